// What docs/browser uses of onnxruntime-web, which is large and of which nothing lies in the repository.
declare module "*/ort.wasm.bundle.min.mjs" {
  export const env: { wasm: { numThreads: number } };
  export class Tensor {
    constructor(type: "uint8", data: Uint8Array, dims: number[]);
  }
  export const InferenceSession: {
    create(address: string): Promise<{ run(feeds: Record<string, Tensor>): Promise<Record<string, { data: Float32Array }>> }>;
  };
}
