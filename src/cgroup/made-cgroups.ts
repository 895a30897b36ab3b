import { BpfLink } from "../bpf/bpf-link.ts";
import { MappedArray } from "../bpf/bpf-map.ts";
import { BpfObject } from "../bpf/bpf-object.ts";
import { bpfObject } from "../bpf/embedded.ts";
import { textOf } from "../json/text.ts";
import { MADE_CGROUP, MADE_CGROUPS } from "../wire/layout.gen.ts";

/**
 * Paths of the newest cgroups of the v2 hierarchy, including removed ones. The kernel side records the path when
 * the kernel makes a cgroup, and costs nothing at other times.
 */
export class MadeCgroups implements Disposable {
  readonly #resources: DisposableStack;
  readonly #u8: Uint8Array;
  readonly #u32: Uint32Array;

  /** Undefined if the kernel does not support it or this process lacks the privileges. */
  static open(): MadeCgroups | undefined {
    try {
      return new MadeCgroups();
    } catch {
      return undefined;
    }
  }

  private constructor() {
    using resources = new DisposableStack();
    const object = resources.use(BpfObject.open("cgroup", bpfObject("cgroup")));
    object.load();
    const mapped = resources.use(new MappedArray(object.mapFd("made"), MADE_CGROUPS * MADE_CGROUP.size));
    this.#u8 = new Uint8Array(mapped.bytes);
    this.#u32 = new Uint32Array(mapped.bytes);
    resources.use(BpfLink.attach(object, "handle_cgroup_mkdir"));
    this.#resources = resources.move();
  }

  /** Path from the root of the hierarchy; null if the cgroup was not made recently, or the path is too long. */
  pathOf(high: number, low: number): string | null {
    if (this.#resources.disposed) return null;
    for (let start = 0; start < this.#u8.length; start += MADE_CGROUP.size) {
      if (!this.#isAt(start, high, low)) continue;
      const from = start + MADE_CGROUP.path;
      const path = textOf(this.#u8.slice(from, from + MADE_CGROUP.path_len));
      // Discard the path if the kernel has begun to overwrite the entry.
      return this.#isAt(start, high, low) ? path : null;
    }
    return null;
  }

  #isAt(start: number, high: number, low: number): boolean {
    // Not Atomics.load(): this memory is read-only, and compiled code of that function writes (compare-and-exchange).
    const word = (start + MADE_CGROUP.id) / 4;
    return this.#u32[word] === low && this.#u32[word + 1] === high;
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }
}
