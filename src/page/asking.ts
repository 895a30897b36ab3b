import type { Commands, Groups, Status } from "../api/answers.ts";
import { type Client, Refusal } from "./client.ts";
import type { Answers, Model } from "./model.ts";

/** Number of rows of a list until the user requests more. */
export const FIRST_ROWS = 24;
/** Maximum number of processes that the page requests. */
export const MOST_PROCESSES = 1000;
/** The page requests the reasons at least once in this number of refreshes. */
const REASONS_EVERY = 3;
/** Number of first refreshes that request everything. There are two, because CPU use of groups needs two answers. */
const WHOLE_REFRESHES = 2;
const COMMANDS = "/commands?window=1m&limit=200";

/** Which processes a refresh requests. */
export interface Wanted {
  sort: "cpu" | "rss" | "start";
  /** Whether to request as many processes as possible, and not only the first rows. */
  isAll: boolean;
}

/** Requests the data of one refresh, and no more than it needs, because each answer costs the daemon CPU time. */
export class Asking {
  readonly #client: Client;
  readonly #model: Model;
  /** What `/status` showed at the last request for the reasons, and the number of refreshes since then. */
  #reasonsOf = "";
  #withoutReasons = 0;
  #refreshes = 0;

  constructor(client: Client, model: Model) {
    this.#client = client;
    this.#model = model;
  }

  /** Lets the next refreshes request everything. */
  begin(): void {
    this.#reasonsOf = "";
    this.#refreshes = 0;
  }

  /** @throws Refusal */
  async load({ sort, isAll }: Wanted, signal: AbortSignal): Promise<Answers> {
    const client = this.#client;
    // First, because it shows whether the token is valid, and because the other requests depend on it.
    const status = (await client.get("/status?history=false", signal)) as Status;
    // If the daemon reports no groups, the page computes them from the processes, and needs as many as possible.
    const limit = isAll || !this.#model.hasGroups ? MOST_PROCESSES : FIRST_ROWS;
    // In turns. Nothing is missed: commands cover the last minute, and groups the time since their previous answer.
    const turn = this.#refreshes++;
    const isWhole = turn < WHOLE_REFRESHES;
    const [hasCommands, hasGroups] = [isWhole || turn % 2 === 0, isWhole || turn % 2 === 1];
    const [processes, commands, groups, reasons] = await Promise.all([
      client.get(`/processes?limit=${limit}&sort=${sort}`, signal),
      status.detail === "summary" ? null : hasCommands ? unless(409, client.get(COMMANDS, signal)) : undefined,
      hasGroups ? unless(404, client.get("/groups", signal)) : undefined,
      this.#reasons(status, signal),
    ]);
    return {
      status,
      reasons,
      processes: processes as Answers["processes"],
      commands: commands as Commands | null | undefined,
      groups: groups as Groups | null | undefined,
    };
  }

  /** The reasons of /readyz; null if the page does not request them this time. */
  async #reasons(status: Status, signal: AbortSignal): Promise<readonly string[] | null> {
    const { missing_fields, sampling, budget } = status;
    const shown = JSON.stringify([missing_fields, sampling?.source, budget?.level, status.started]);
    this.#withoutReasons++;
    if (shown === this.#reasonsOf && this.#withoutReasons < REASONS_EVERY) return null;
    const reasons = await this.#client.reasons(signal);
    this.#reasonsOf = shown;
    this.#withoutReasons = 0;
    return reasons;
  }
}

/** The answer; null if the daemon refuses with that status, because it does not have this data. */
async function unless(status: number, answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Refusal && error.status === status) return null;
    throw error;
  }
}
