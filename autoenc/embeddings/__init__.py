"""Files of vectors: written by `autoenc.embed_images`, read by `autoenc.index_vectors`."""
