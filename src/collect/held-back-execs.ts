import type { FiltersSettings } from "../config/sections/filters.ts";
import { Allowance } from "../identity/allowance.ts";
import { NO_IMAGE } from "../process/image-store.ts";
import { imageNow } from "../process/proc-image.ts";
import type { ProcessTable } from "../process/table.ts";

/** A process may rename itself as often as it likes: so many looks a second are made in all. */
const LOOKS_PER_SECOND = 50;

/**
 * An exec that a filter in the kernel held back shows by another name of its process, when a sweep or a list tells it, and
 * a fork by a process that nobody knew. The table would have its parent's image, or none: what it executes is read from
 * /proc then.
 */
export function followHeldBackExecs(table: ProcessTable, filters: FiltersSettings, maxArgsBytes: number): void {
  const { uids, comms, cgroup } = filters;
  if (uids.length === 0 && comms.length === 0 && cgroup === null) return;
  const allowance = new Allowance(LOOKS_PER_SECOND);
  table.onRenamed = (slot) => {
    if (!allowance.take()) return;
    const now = imageNow(table, slot, maxArgsBytes);
    // Who has only renamed itself keeps the arguments that it was executed with.
    if (!now?.exe || isExecutable(table, slot, now.exe)) return;
    table.setImage(slot, now.exe, now.args, now.argsCut);
  };
}

function isExecutable(table: ProcessTable, slot: number, exe: Uint8Array): boolean {
  const image = table.image(slot);
  if (image === NO_IMAGE) return false;
  const { images } = table;
  const start = images.exeStart(image);
  return Buffer.compare(images.bytesOf(image).subarray(start, start + images.exeLength(image)), exe) === 0;
}
