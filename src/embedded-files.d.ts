/** Imported with `{ type: "file" }`, these give a path that can be read: inside the binary, or on disk when run from source. */
declare module "*.bpf.o" {
  const path: string;
  export default path;
}

declare module "*.so.1" {
  const path: string;
  export default path;
}
