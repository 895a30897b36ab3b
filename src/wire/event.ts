/**
 * The types of events in the output (`collect --format jsonl`) and in server-sent events. The TypeScript types
 * are generated from fields.ts; a bigint is an integer that can exceed 2^53.
 */
import type { ExecEvent, ExitEvent, ForkEvent } from "./event.gen.ts";

export { CONTAINER_RUNTIMES, type Container, type ContainerRuntime } from "./container.ts";
export type {
  DegradedEvent,
  EventOfProcess,
  ExecEvent,
  ExitEvent,
  ForkEvent,
  LostEvent,
  PageFaultEvent,
  ProcessEvent as EndedEvent,
  SampleEvent,
  StartEvent,
  StormEvent,
  TotalsEvent,
  UnwrittenEvent,
} from "./event.gen.ts";

export type ProcessEvent = ForkEvent | ExecEvent | ExitEvent;

/**
 * Why a record did not reach user space: the ring of its CPU was full, or the CPU had no ring after it came online and
 * the spare ring was full.
 */
export const LOSS_REASONS = ["ring_full", "no_ring"] as const;
export type LossReason = (typeof LOSS_REASONS)[number];
export type CountByReason = Record<LossReason, number>;

/** Types for which the kernel side counts every event. */
export const COUNTED_TYPES = ["fork", "exec", "exit"] as const;

/** A key of the counters by type, in the kernel or in user space. */
export type CountedType = (typeof COUNTED_TYPES)[number];

export type CountByType = Record<CountedType, number>;
