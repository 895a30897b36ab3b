/** Questions to the running kernel's own BTF. */
import { libbpf } from "./libbpf.ts";
import { type Pointer, uint32At } from "./native.ts";

/** include/uapi/linux/btf.h */
const BTF_KIND_PTR = 2;
const BTF_KIND_TYPEDEF = 8;
const BTF_KIND_FUNC_PROTO = 13;

/** The kernel's BTF; undefined where the kernel carries none. */
export class VmlinuxBtf implements Disposable {
  #btf: Pointer | null;

  private constructor(btf: Pointer) {
    this.#btf = btf;
  }

  static load(): VmlinuxBtf | undefined {
    const btf = libbpf().btf__load_vmlinux_btf();
    return btf === null ? undefined : new VmlinuxBtf(Number(btf) as Pointer);
  }

  /**
   * How many arguments a raw tracepoint hands to its programs, from the type
   * `btf_trace_<name>`; undefined where the kernel has no such tracepoint.
   */
  tracepointArguments(name: string): number | undefined {
    const id = libbpf().btf__find_by_name_kind(this.#open, `btf_trace_${name}`, BTF_KIND_TYPEDEF);
    if (id < 0) return undefined;
    const typedef = this.#type(id);
    const pointer = typedef && this.#type(typedef.type);
    const prototype = pointer?.kind === BTF_KIND_PTR ? this.#type(pointer.type) : undefined;
    // The first parameter is the tracepoint's own data.
    return prototype?.kind === BTF_KIND_FUNC_PROTO ? prototype.vlen - 1 : undefined;
  }

  /** Whether the kernel has a struct of that name. */
  hasStruct(name: string): boolean {
    return libbpf().btf__find_by_name_kind(this.#open, name, 4) >= 0;
  }

  get #open(): Pointer {
    if (this.#btf === null) throw new Error("the kernel's BTF is closed");
    return this.#btf;
  }

  /** struct btf_type: name_off, info (kind in bits 24–28, vlen in bits 0–15), size or type. */
  #type(id: number): { kind: number; vlen: number; type: number } | undefined {
    const type = libbpf().btf__type_by_id(this.#open, id);
    if (type === null) return undefined;
    const info = uint32At(Number(type) as Pointer, 4);
    return { kind: (info >>> 24) & 0x1f, vlen: info & 0xffff, type: uint32At(Number(type) as Pointer, 8) };
  }

  close(): void {
    if (this.#btf === null) return;
    libbpf().btf__free(this.#btf);
    this.#btf = null;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
