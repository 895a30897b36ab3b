import type { ApiServer } from "../api/server.ts";
import { log } from "../config/log.ts";
import { type Redaction, redactorOf } from "../process/redact.ts";
import type { ProcessTable } from "../process/table.ts";

/**
 * Applies the redaction that a reload asks for. What becomes hidden is hidden everywhere: in the table, and so in graphs
 * and exits to come; events and answers that show it are dropped. Does nothing if the settings are the same.
 */
export function switchRedaction(
  before: Redaction,
  wanted: Redaction,
  table: ProcessTable,
  api: Pick<ApiServer, "forget"> | undefined,
): void {
  if (Bun.deepEquals(before, wanted)) return;
  table.redactKnown(redactorOf(wanted));
  if (wanted.redact) api?.forget();
  else
    log.warn(
      "redaction is switched off: command lines are shown from now on\nset redaction.redact = true to hide them",
    );
}
