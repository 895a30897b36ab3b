/** Images of processes from what tells of them: path and arguments, redacted before they are kept. */
import {
  EXEC_EVENT,
  FLAG_ARGS_CUT,
  FLAG_ARGS_KNOWN,
  FLAG_EXE_KNOWN,
  FLAG_EXE_WHOLE,
  PROCESS_EVENT,
} from "../wire/layout.gen.ts";
import type { Record } from "../wire/record.ts";
import { type ImageStore, MAX_STORED_BYTES } from "./image-store.ts";
import type { Redact } from "./redact.ts";
import { turnPath } from "./turn-path.ts";

const IMAGE_FLAGS = FLAG_EXE_KNOWN | FLAG_EXE_WHOLE | FLAG_ARGS_KNOWN | FLAG_ARGS_CUT;

/** @returns the number of a new image of what the record tells to be executed */
export function imageOfExec(images: ImageStore, record: Record, redact: Redact | undefined): number {
  const exeLength = record.u16(EXEC_EVENT.exe_len);
  const flags = record.u8(PROCESS_EVENT.flags) & IMAGE_FLAGS;
  const argsLength = record.u16(EXEC_EVENT.args_len);
  // Written to memory that is kept only when it is redacted.
  const redacted = redact && argsLength > 0 ? redactedOf(record, exeLength, argsLength, flags, redact) : undefined;
  const image = redacted
    ? images.create(exeLength, redacted.bytes.length, redacted.cut ? flags | FLAG_ARGS_CUT : flags)
    : images.create(exeLength, argsLength, flags);
  const bytes = images.bytesOf(image);
  const start = images.exeStart(image);
  record.copy(EXEC_EVENT.size, redacted ? exeLength : exeLength + argsLength, bytes, start);
  if (redacted) bytes.set(redacted.bytes, start + exeLength);
  if (!(flags & FLAG_EXE_WHOLE)) turnPath(bytes, start, exeLength);
  return image;
}

/** Path and arguments as raw bytes; null what cannot be read. */
export interface ProcImage {
  exe: Uint8Array | null;
  args: Uint8Array | null;
  /** Whether arguments were left out because of their length. */
  argsCut: boolean;
}

/** @returns the number of a new image of what /proc tells of a process */
export function imageOfProc(images: ImageStore, { exe, args, argsCut }: ProcImage, redact: Redact | undefined): number {
  const exeLength = exe?.length ?? 0;
  const kept = args && redact ? redact(args, argsCut) : args;
  const argsLength = Math.min(kept?.length ?? 0, MAX_STORED_BYTES - exeLength);
  const cut = argsCut || argsLength < (kept?.length ?? 0);
  const flags = (exe ? FLAG_EXE_KNOWN | FLAG_EXE_WHOLE : 0) | (args ? FLAG_ARGS_KNOWN : 0) | (cut ? FLAG_ARGS_CUT : 0);
  const image = images.create(exeLength, argsLength, flags);
  const start = images.exeStart(image);
  if (exe) images.bytesOf(image).set(exe, start);
  if (kept) images.bytesOf(image).set(kept.subarray(0, argsLength), start + exeLength);
  return image;
}

function redactedOf(record: Record, exeLength: number, argsLength: number, flags: number, redact: Redact) {
  const args = new Uint8Array(argsLength);
  record.copy(EXEC_EVENT.size + exeLength, argsLength, args, 0);
  const bytes = redact(args, (flags & FLAG_ARGS_CUT) !== 0);
  const room = MAX_STORED_BYTES - exeLength;
  return { bytes: bytes.subarray(0, room), cut: bytes.length > room };
}
