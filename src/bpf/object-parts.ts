/** The maps and programs of an object that libbpf has opened. */
import { checkPointer } from "../sys/errno.ts";
import { addressOf, type Pointer, stringAt, viewOf } from "../sys/native.ts";
import { libbpf } from "./libbpf.ts";

/** @throws NativeError (ENOENT) when the object has no such map */
export function mapOf(object: Pointer, name: string): Pointer {
  return checkPointer(`BPF map ${name}`, libbpf().bpf_object__find_map_by_name(object, name));
}

/** @throws NativeError (ENOENT) when the object has no such program */
export function programOf(object: Pointer, name: string): Pointer {
  return checkPointer(`BPF program ${name}`, libbpf().bpf_object__find_program_by_name(object, name));
}

export function nameOfMap(map: Pointer): string {
  return stringAt(checkPointer("bpf_map__name", libbpf().bpf_map__name(map)));
}

export function nameOfProgram(program: Pointer): string {
  return stringAt(checkPointer("bpf_program__name", libbpf().bpf_program__name(program)));
}

/** All maps, in the order of the object. The map of the read-only data is one of them. */
export function mapsOf(object: Pointer): Pointer[] {
  return all((last) => libbpf().bpf_object__next_map(object, last));
}

/** All programs, in the order of the object. */
export function programsOf(object: Pointer): Pointer[] {
  return all((last) => libbpf().bpf_object__next_program(object, last));
}

function all(next: (last: Pointer | null) => Pointer | bigint | null): Pointer[] {
  const found: Pointer[] = [];
  for (let at = next(null); at !== null; at = next(found.at(-1) as Pointer)) found.push(Number(at) as Pointer);
  return found;
}

/** The initial value of a map. It is memory of libbpf, valid until the object is closed. */
export function initialValue(object: Pointer, map: string): Uint8Array {
  const size = new BigUint64Array(1);
  const value = libbpf().bpf_map__initial_value(mapOf(object, map), addressOf(size));
  return new Uint8Array(viewOf(checkPointer(`initial value of ${map}`, value), Number(size[0])));
}
