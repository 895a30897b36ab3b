import { type Assertion, isWordByte, parseRegexp, type RegexpNode, RegexpRefusal } from "./syntax.ts";

/** Steps of a program: more than any expression that a person writes needs. */
const MAX_STEPS = 2000;

const MATCH = 0;
const SET = 1;
const FORK = 2;
const JUMP = 3;
const SAVE = 4;
const ASSERT = 5;

const ASSERTIONS: readonly Assertion[] = ["start", "end", "word boundary", "no word boundary"];
const UNSET = -1;

/**
 * A regular expression that reads every byte of its input once, for all the ways it could match, as Thompson's and
 * Pike's machines do (Cox, "Regular Expression Matching: the Virtual Machine Approach", 2009). The time to find a match
 * is bounded by the length of the input × the size of the expression. A backtracking engine has no such bound. Of the
 * matches that begin at the same position, it returns the same match as Perl.
 */
export class ByteRegexp {
  /** Number of groups that capture. */
  readonly groups: number;
  readonly #op: number[] = [];
  readonly #x: number[] = [];
  readonly #y: number[] = [];
  readonly #sets: Uint8Array[] = [];
  /** Bytes that a match can begin with; undefined if it can be empty. */
  readonly #first: Uint8Array | undefined;
  readonly #slots: number;
  #now: Threads;
  #next: Threads;
  /** The positions of the groups in the thread that `#follow` is following. */
  readonly #places: Int32Array;
  readonly #found: Int32Array;
  #input: Uint8Array = new Uint8Array(0);
  #length = 0;

  /** @throws RegexpRefusal if the text is not a supported regular expression, or needs more than MAX_STEPS steps */
  constructor(text: string) {
    const { root, groups } = parseRegexp(text);
    if (stepsOf(root) > MAX_STEPS) throw new RegexpRefusal(`more than ${MAX_STEPS} steps when written out`);
    this.groups = groups;
    this.#slots = 2 + 2 * groups;
    this.#emit(SAVE, 0);
    this.#compile(root);
    this.#emit(SAVE, 1);
    this.#emit(MATCH);
    this.#now = new Threads(this.#op.length, this.#slots);
    this.#next = new Threads(this.#op.length, this.#slots);
    this.#places = new Int32Array(this.#slots);
    this.#found = new Int32Array(this.#slots);
    this.#first = this.#firstBytes();
  }

  /**
   * Finds matches from left to right.
   * @param found called for each match, with its start and end at [0] and [1], and those of group n at [2n] and [2n +
   *   1], or -1 if the group did not take part. The values are invalid after the call. It returns the position from
   *   which the next match may begin, after the start of this one. Undefined means the end of this one: no overlap
   * @param steps the most steps it may take: finding all matches can take input² × expression
   * @returns the number of remaining steps; less than 0: it gave up
   */
  findAll(input: Uint8Array, length: number, steps: number, found: (places: Int32Array) => number | undefined): number {
    this.#input = input;
    this.#length = length;
    let left = steps;
    for (let from = 0; from <= length && left >= 0; ) {
      left = this.#find(from, left);
      if (left < 0 || this.#found[0] === UNSET) break;
      const next = found(this.#found);
      const [start = 0, end = 0] = this.#found;
      from = Math.max(next ?? end, start + 1);
    }
    return left;
  }

  /** Finds the first match from `from` on and stores it in #found. Returns the number of remaining steps. */
  #find(from: number, steps: number): number {
    const first = this.#first;
    let left = steps;
    this.#found[0] = UNSET;
    this.#now.clear();
    for (let at = from; at <= this.#length; at++) {
      const now = this.#now;
      if (this.#found[0] === UNSET) {
        if (now.count === 0 && first) {
          while (at < this.#length && first[this.#input[at] as number] === 0) at++;
          if (at === this.#length) return left;
        }
        // A match may begin here. Matches that began earlier have priority.
        this.#places.fill(UNSET);
        this.#follow(now, 0, at);
      } else if (now.count === 0) {
        break;
      }
      left -= now.count + 1;
      if (left < 0) break;
      this.#step(at);
    }
    return left;
  }

  /** Advances all threads by the byte at `at`. */
  #step(at: number): void {
    const { count, pcs, places } = this.#now;
    const next = this.#next;
    const byte = at < this.#length ? (this.#input[at] as number) : UNSET;
    next.clear();
    for (let i = 0; i < count; i++) {
      const pc = pcs[i] as number;
      const base = pc * this.#slots;
      if (this.#op[pc] === MATCH) {
        for (let slot = 0; slot < this.#slots; slot++) this.#found[slot] = places[base + slot] as number;
        // Threads after it in the list have lower priority.
        break;
      }
      if (byte === UNSET || (this.#sets[this.#x[pc] as number] as Uint8Array)[byte] === 0) continue;
      for (let slot = 0; slot < this.#slots; slot++) this.#places[slot] = places[base + slot] as number;
      this.#follow(next, pc + 1, at + 1);
    }
    this.#next = this.#now;
    this.#now = next;
  }

  /** Adds the threads that `pc` leads to without consuming a byte. */
  #follow(threads: Threads, pc: number, at: number): void {
    if (!threads.enter(pc)) return;
    switch (this.#op[pc]) {
      case JUMP:
        this.#follow(threads, this.#x[pc] as number, at);
        return;
      case FORK:
        this.#follow(threads, this.#x[pc] as number, at);
        this.#follow(threads, this.#y[pc] as number, at);
        return;
      case ASSERT:
        if (this.#holds(this.#x[pc] as number, at)) this.#follow(threads, pc + 1, at);
        return;
      case SAVE: {
        const slot = this.#x[pc] as number;
        const before = this.#places[slot] as number;
        this.#places[slot] = at;
        this.#follow(threads, pc + 1, at);
        this.#places[slot] = before;
        return;
      }
      case SET:
        // Most threads would end at the next byte. These are not added.
        if (at >= this.#length || this.#sets[this.#x[pc] as number]?.[this.#input[at] as number] === 0) return;
        threads.add(pc, this.#places);
        return;
      default:
        threads.add(pc, this.#places);
    }
  }

  #holds(which: number, at: number): boolean {
    const what = ASSERTIONS[which];
    if (what === "start") return at === 0;
    if (what === "end") return at === this.#length;
    const before = at > 0 && isWordByte(this.#input[at - 1] as number);
    const behind = at < this.#length && isWordByte(this.#input[at] as number);
    return (before !== behind) === (what === "word boundary");
  }

  #firstBytes(): Uint8Array | undefined {
    const bytes = new Uint8Array(256);
    const seen = new Set<number>();
    const visit = (pc: number): boolean => {
      if (seen.has(pc)) return true;
      seen.add(pc);
      const op = this.#op[pc];
      if (op === MATCH) return false;
      if (op === SET) {
        const set = this.#sets[this.#x[pc] as number] as Uint8Array;
        for (let byte = 0; byte < 256; byte++) if (set[byte]) bytes[byte] = 1;
        return true;
      }
      if (op === JUMP) return visit(this.#x[pc] as number);
      if (op === FORK) return visit(this.#x[pc] as number) && visit(this.#y[pc] as number);
      return visit(pc + 1);
    };
    return visit(0) ? bytes : undefined;
  }

  #emit(op: number, x = 0, y = 0): number {
    this.#op.push(op);
    this.#x.push(x);
    this.#y.push(y);
    return this.#op.length - 1;
  }

  #compile(node: RegexpNode): void {
    switch (node.kind) {
      case "empty":
        return;
      case "set":
        this.#emit(SET, this.#sets.push(node.bytes) - 1);
        return;
      case "assert":
        this.#emit(ASSERT, ASSERTIONS.indexOf(node.what));
        return;
      case "sequence":
        for (const item of node.items) this.#compile(item);
        return;
      case "group":
        this.#emit(SAVE, 2 * node.index);
        this.#compile(node.item);
        this.#emit(SAVE, 2 * node.index + 1);
        return;
      case "choice":
        this.#compileChoice(node.items);
        return;
      case "repeat":
        this.#compileRepeat(node);
    }
  }

  #compileChoice(items: readonly RegexpNode[]): void {
    const ends: number[] = [];
    for (const [index, item] of items.entries()) {
      if (index === items.length - 1) {
        this.#compile(item);
        break;
      }
      const fork = this.#emit(FORK, this.#op.length + 1);
      this.#compile(item);
      ends.push(this.#emit(JUMP));
      this.#y[fork] = this.#op.length;
    }
    for (const end of ends) this.#x[end] = this.#op.length;
  }

  #compileRepeat({ item, min, max, greedy }: RegexpNode & { kind: "repeat" }): void {
    for (let i = 0; i < min; i++) this.#compile(item);
    const aim = (fork: number, into: number, past: number) => {
      this.#x[fork] = greedy ? into : past;
      this.#y[fork] = greedy ? past : into;
    };
    if (max === Number.POSITIVE_INFINITY) {
      const fork = this.#emit(FORK);
      this.#compile(item);
      this.#emit(JUMP, fork);
      aim(fork, fork + 1, this.#op.length);
      return;
    }
    const forks: number[] = [];
    for (let i = min; i < max; i++) {
      forks.push(this.#emit(FORK));
      this.#compile(item);
    }
    for (const fork of forks) aim(fork, fork + 1, this.#op.length);
  }
}

/** The size of the program that a tree will become. */
function stepsOf(node: RegexpNode): number {
  switch (node.kind) {
    case "empty":
      return 0;
    case "set":
    case "assert":
      return 1;
    case "sequence":
      return node.items.reduce((sum, item) => sum + stepsOf(item), 0);
    case "choice":
      return node.items.reduce((sum, item) => sum + stepsOf(item) + 2, 0);
    case "group":
      return stepsOf(node.item) + 2;
    case "repeat": {
      const endless = node.max === Number.POSITIVE_INFINITY;
      return (stepsOf(node.item) + 1) * (endless ? node.min + 1 : node.max) + (endless ? 1 : 0);
    }
  }
}

/** Threads of the machine in order of priority, at most one for each step of the program. */
class Threads {
  readonly pcs: Int32Array;
  readonly places: Int32Array;
  count = 0;
  readonly #slots: number;
  readonly #entered: Uint32Array;
  #round = 0;

  constructor(program: number, slots: number) {
    this.pcs = new Int32Array(program);
    this.places = new Int32Array(program * slots);
    this.#slots = slots;
    this.#entered = new Uint32Array(program);
    this.clear();
  }

  clear(): void {
    this.count = 0;
    this.#round++;
    if (this.#round === 0xffffffff) {
      this.#entered.fill(0);
      this.#round = 1;
    }
  }

  /** @returns whether no thread has reached this step since `clear` */
  enter(pc: number): boolean {
    if (this.#entered[pc] === this.#round) return false;
    this.#entered[pc] = this.#round;
    return true;
  }

  add(pc: number, places: Int32Array): void {
    this.pcs[this.count++] = pc;
    const base = pc * this.#slots;
    for (let slot = 0; slot < this.#slots; slot++) this.places[base + slot] = places[slot] as number;
  }
}
