/** Access to native memory: addresses of buffers, C strings, views. */
import { CString, type Pointer, ptr, read, toArrayBuffer } from "bun:ffi";

export type { Pointer };

/** Address of a typed array's memory; the caller keeps the array referenced as long as C may use it. */
export function addressOf(memory: NodeJS.TypedArray | ArrayBufferLike): Pointer {
  return ptr(memory as NodeJS.TypedArray);
}

/** A view of the bytes at `address`, without a copy. It is valid only while the memory is mapped. */
export function viewOf(address: Pointer, lengthBytes: number): ArrayBuffer {
  return toArrayBuffer(address, 0, lengthBytes);
}

/** A NUL-terminated string at `address`. */
export function stringAt(address: Pointer): string {
  return new CString(address).toString();
}

export function int32At(address: Pointer): number {
  return read.i32(address, 0);
}
