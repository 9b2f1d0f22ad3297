"""A folder of pictures -> paths -> bytes -> pixels; altered copies of them."""
