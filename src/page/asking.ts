import type { Commands, Groups, Status } from "../api/answers.ts";
import { type Client, Refusal } from "./client.ts";
import type { Answers, Model } from "./model.ts";

/** Rows of a list before its user looks for more. */
export const FIRST_ROWS = 24;
/** Maximum number of processes that are read. */
export const MOST_PROCESSES = 1000;
/** The page requests the reasons at least once in this number of refreshes. */
const REASONS_EVERY = 3;
/** Refreshes that ask for everything: CPU use of groups is the difference of two. */
const WHOLE_REFRESHES = 2;
const COMMANDS = "/commands?window=1m&limit=200";

/** Which processes are wanted. */
export interface Wanted {
  sort: "cpu" | "rss" | "start";
  /** Whether the first rows are not enough. */
  isAll: boolean;
}

/** Asks the daemon for what one refresh needs, and for no more: each answer costs the collector. */
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

  /** The next refresh requests everything. */
  begin(): void {
    this.#reasonsOf = "";
    this.#refreshes = 0;
  }

  /** @throws Refusal */
  async load({ sort, isAll }: Wanted, signal: AbortSignal): Promise<Answers> {
    const client = this.#client;
    // First: whether the token is right, the level of detail, and whether something is degraded.
    const status = (await client.get("/status?history=false", signal)) as Status;
    // Groups that the daemon does not make are made of the processes: of as many as there are.
    const limit = isAll || !this.#model.hasGroups ? MOST_PROCESSES : FIRST_ROWS;
    // By turns: what they show is of the last minute, and of the time since the answer before.
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

  /** Null: the page does not request them this time. */
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

/** Null: the daemon refuses by that status, because it does not have this. */
async function unless(status: number, answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Refusal && error.status === status) return null;
    throw error;
  }
}
