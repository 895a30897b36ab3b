/** Imported with `{ type: "file" }`, these give a path that can be read: inside the binary, or on disk when run from source. */
declare module "*.bpf.o" {
  const path: string;
  export default path;
}

declare module "*.so.1" {
  const path: string;
  export default path;
}

declare module "*.txt" {
  const path: string;
  export default path;
}

/** Written by `build.ts`, which says where each value is from; here so that types can be checked before the first build. */
declare module "*/build-info.json" {
  export const commit: string | null;
  export const modified: boolean;
  /** The libraries need glibc 2.x. */
  export const glibcMinor: number;
  export const versions: Record<
    "libbpf1" | "libelf1" | "zlib1g" | "citty" | "consola" | "@iarna/toml" | "zod",
    string | null
  >;
}
