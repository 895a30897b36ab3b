/** Ids of server-sent events: the run that they are of, and their number in it, `lk3x9f2a-1234`. */

/** Names a run: another one, also of the same machine, has another name. */
export function newEpoch(): string {
  const random = crypto.getRandomValues(new Uint8Array(6));
  return Buffer.from(random).toString("hex");
}

/**
 * Where a client stopped that sends `Last-Event-ID`. What is no id of ours is
 * taken for one of another run, never for an error: a browser does not come
 * back after an error.
 *
 * @returns the number of the last event that it got, or `"other-run"`
 */
export function resumeAfter(lastEventId: string, epoch: string): number | "other-run" {
  const match = /^(?:([0-9a-z]+)-)?(\d{1,15})$/.exec(lastEventId);
  if (!match || (match[1] !== undefined && match[1] !== epoch)) return "other-run";
  return Number(match[2]);
}
