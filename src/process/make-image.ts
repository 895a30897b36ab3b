/** Creates images of processes: path and arguments. Arguments are redacted before they are stored. */
import {
  ARGS_CUT,
  CUT_PATH_BYTES,
  ENDED_EVENT,
  EXE_CUT,
  EXE_WHOLE,
  EXEC_EVENT,
  KNOWN_ARGS,
  KNOWN_EXE,
  PROCESS_EVENT,
} from "../wire/layout.gen.ts";
import type { Record } from "../wire/record.ts";
import { type ImageStore, MAX_STORED_BYTES, NO_IMAGE } from "./image-store.ts";
import type { Redact } from "./redact.ts";
import { endOfPath, turnPath } from "./turn-path.ts";

const IMAGE_FLAGS = KNOWN_EXE | EXE_WHOLE | KNOWN_ARGS | ARGS_CUT;

/** Where a record has its image: offsets of the lengths of path and arguments. Both follow after `size` bytes. */
interface ImagePlace {
  size: number;
  exe_len: number;
  args_len: number;
}

/** @returns the number of a new image, made from the exec record */
export function imageOfExec(images: ImageStore, record: Record, redact: Redact | undefined): number {
  return imageAt(EXEC_EVENT, images, record, redact);
}

/** @returns the number of a new image, made from the record of an ended process; `NO_IMAGE` if the record has none */
export function imageOfEnded(images: ImageStore, record: Record, redact: Redact | undefined): number {
  if (!(record.u32(PROCESS_EVENT.known) & (KNOWN_EXE | EXE_CUT | KNOWN_ARGS))) return NO_IMAGE;
  return imageAt(ENDED_EVENT, images, record, redact);
}

function imageAt(place: ImagePlace, images: ImageStore, record: Record, redact: Redact | undefined): number {
  if (record.u32(PROCESS_EVENT.known) & EXE_CUT) return imageOfCutExec(place, images, record, redact);
  const exeLength = record.u16(place.exe_len);
  const flags = record.u32(PROCESS_EVENT.known) & IMAGE_FLAGS;
  const argsLength = record.u16(place.args_len);
  // Only redacted arguments are written to the memory of the store.
  const redacted =
    redact && argsLength > 0
      ? redactedOf(record, place.size + exeLength, MAX_STORED_BYTES - exeLength, argsLength, flags, redact)
      : undefined;
  const image = redacted
    ? images.create(exeLength, redacted.bytes.length, redacted.cut ? flags | ARGS_CUT : flags)
    : images.create(exeLength, argsLength, flags);
  const bytes = images.bytesOf(image);
  const start = images.exeStart(image);
  record.copy(place.size, redacted ? exeLength : exeLength + argsLength, bytes, start);
  if (redacted) bytes.set(redacted.bytes, start + exeLength);
  if (!(flags & EXE_WHOLE)) turnPath(bytes, start, exeLength);
  return image;
}

/** Like `imageAt`, for an exec whose path was too long. This is rare, so it may allocate memory. */
function imageOfCutExec(place: ImagePlace, images: ImageStore, record: Record, redact: Redact | undefined): number {
  const components = new Uint8Array(record.u16(place.exe_len));
  record.copy(place.size, components.length, components, 0);
  const exe = endOfPath(components, CUT_PATH_BYTES);
  const recordFlags = record.u32(PROCESS_EVENT.known);
  let args: Uint8Array | null = null;
  if (recordFlags & KNOWN_ARGS) {
    args = new Uint8Array(record.u16(place.args_len));
    record.copy(place.size + components.length, args.length, args, 0);
  }
  const argsCut = (recordFlags & ARGS_CUT) !== 0;
  return imageOfProc(images, { exe: exe.length > 0 ? exe : null, args, argsCut }, redact, EXE_CUT);
}

/** Path and arguments as raw bytes; null: cannot be read. */
export interface ProcImage {
  exe: Uint8Array | null;
  args: Uint8Array | null;
  /** Whether arguments were left out because of their length. */
  argsCut: boolean;
}

/** @returns the number of a new image, made from the files of a process in /proc */
export function imageOfProc(
  images: ImageStore,
  { exe, args, argsCut }: ProcImage,
  redact: Redact | undefined,
  moreFlags = 0,
): number {
  const exeLength = exe?.length ?? 0;
  const kept = args && redact ? redact(args, argsCut) : args;
  const argsLength = Math.min(kept?.length ?? 0, MAX_STORED_BYTES - exeLength);
  const cut = argsCut || argsLength < (kept?.length ?? 0);
  const flags = (exe ? KNOWN_EXE | EXE_WHOLE : 0) | (args ? KNOWN_ARGS : 0) | (cut ? ARGS_CUT : 0) | moreFlags;
  const image = images.create(exeLength, argsLength, flags);
  const start = images.exeStart(image);
  if (exe) images.bytesOf(image).set(exe, start);
  if (kept) images.bytesOf(image).set(kept.subarray(0, argsLength), start + exeLength);
  return image;
}

/**
 * Copies an image and redacts the arguments of the copy, for redaction that is switched on later.
 *
 * @returns the number of the copy; the references to the old image stay
 */
export function imageRedacted(images: ImageStore, image: number, redact: Redact): number {
  const flags = images.flags(image);
  const exeLength = images.exeLength(image);
  const start = images.exeStart(image);
  const whole = images.bytesOf(image).slice(start, start + exeLength + images.argsLength(image));
  const kept = redact(whole.subarray(exeLength), (flags & ARGS_CUT) !== 0);
  const argsLength = Math.min(kept.length, MAX_STORED_BYTES - exeLength);
  const made = images.create(exeLength, argsLength, argsLength < kept.length ? flags | ARGS_CUT : flags);
  const bytes = images.bytesOf(made);
  const to = images.exeStart(made);
  bytes.set(whole.subarray(0, exeLength), to);
  bytes.set(kept.subarray(0, argsLength), to + exeLength);
  return made;
}

function redactedOf(record: Record, at: number, room: number, argsLength: number, flags: number, redact: Redact) {
  const args = new Uint8Array(argsLength);
  record.copy(at, argsLength, args, 0);
  const bytes = redact(args, (flags & ARGS_CUT) !== 0);
  return { bytes: bytes.subarray(0, room), cut: bytes.length > room };
}
