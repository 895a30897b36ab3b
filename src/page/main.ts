import { formatClock } from "../report/format.ts";
import type { Row } from "../top/daemon-answers.ts";
import { DaemonRow } from "../top/daemon-row.ts";
import type { ProcessRow } from "../top/model.ts";
import type { Wanted } from "./asking.ts";
import { Client } from "./client.ts";
import { byId, setHidden, setText } from "./dom.ts";
import { type Connection, Live } from "./live.ts";
import { Model } from "./model.ts";
import { TokenForm } from "./token.ts";
import { Cards } from "./views/cards.ts";
import { Commands } from "./views/commands.ts";
import { Details } from "./views/details.ts";
import { Groups } from "./views/groups.ts";
import { clockOf, Health } from "./views/health.ts";
import { type Order, Processes } from "./views/processes.ts";

/** The page: connects the requests to the daemon, the views, and the choices of the user. */
class Page {
  readonly #model = new Model();
  readonly #client = new Client();
  readonly #live: Live;
  readonly #token: TokenForm;
  readonly #details = new Details();
  readonly #cards = new Cards();
  readonly #processes: Processes;
  readonly #commands: Commands;
  readonly #groups: Groups;
  readonly #health = new Health();
  readonly #where = byId("where", HTMLElement);
  readonly #state = byId("state", HTMLElement);
  readonly #time = byId("time", HTMLElement);
  readonly #figures = byId("figures", HTMLElement);
  readonly #filter = byId("filter", HTMLInputElement);
  readonly #pause = byId("pause", HTMLButtonElement);
  readonly #orders = byId("orders", HTMLFieldSetElement);
  #isPaused = false;
  /** What the page requested from the daemon at the user's last choice. */
  #asked = "";

  constructor() {
    const draw = () => this.#draw();
    this.#processes = new Processes(
      (row) => void this.#open(row),
      () => this.#choose(),
    );
    this.#commands = new Commands(draw);
    this.#groups = new Groups(draw);
    this.#token = new TokenForm((token) => {
      this.#client.token = token;
      this.#live.stop();
      this.#goOn();
    });
    this.#client.token = this.#token.kept;
    this.#live = new Live({
      client: this.#client,
      model: this.#model,
      wanted: () => this.#wanted,
      changed: (connection) => this.#changed(connection),
    });
    this.#filter.addEventListener("input", () => this.#choose());
    this.#orders.addEventListener("change", () => this.#choose());
    this.#pause.addEventListener("click", () => {
      this.#isPaused = !this.#isPaused;
      this.#pause.setAttribute("aria-pressed", String(this.#isPaused));
      this.#goOn();
    });
    // A hidden page sends no requests, so that it costs nothing.
    document.addEventListener("visibilitychange", () => this.#goOn());
    document.title = `linnix ${location.host}`;
    setText(this.#where, location.host);
    this.#goOn();
  }

  get #order(): Order {
    return (this.#orders.querySelector<HTMLInputElement>("input:checked")?.value ?? "cpu") as Order;
  }

  /** The page requests only the first rows of a list until the user wants to see more. */
  get #wanted(): Wanted {
    const order = this.#order;
    const isAll = order === "tree" || this.#filter.value !== "" || this.#processes.isMore;
    return { sort: order === "tree" ? "cpu" : order, isAll };
  }

  /** Shows the chosen view. Requests its data immediately if the page does not have it. */
  #choose(): void {
    this.#draw();
    const wanted = JSON.stringify(this.#wanted);
    if (wanted !== this.#asked) this.#live.hurry();
    this.#asked = wanted;
  }

  /** Shows one process. Requests its ancestors, because most of them are not in the list. */
  async #open(row: ProcessRow): Promise<void> {
    this.#details.open(row, this.#model.rows);
    const ancestors = await ancestorsFrom(this.#client, row).catch(() => null);
    if (ancestors !== null) this.#details.showAncestors(row, ancestors);
  }

  #goOn(): void {
    if (this.#isPaused || document.hidden) this.#live.stop();
    else this.#live.start();
  }

  #changed(connection: Connection): void {
    const { state } = connection;
    document.documentElement.dataset.state = state;
    if (state === "token") this.#askToken(connection.isWrong);
    else if (state === "live") this.#token.hide();
    setText(this.#state, textOf(connection));
    if (state !== "live") return;
    setText(this.#time, clockOf(Date.now()));
    setHidden(this.#figures, false);
    this.#draw();
  }

  #askToken(isWrong: boolean): void {
    // The figures are only for users with the token.
    setHidden(this.#figures, true);
    this.#details.close();
    this.#token.ask(isWrong);
  }

  #draw(): void {
    const { status } = this.#model;
    if (status === undefined) return;
    const filter = this.#filter.value;
    const { version, backend, detail, uptime_s } = status;
    const up = `up ${formatClock(uptime_s)}`;
    setText(this.#where, `${location.host} · ${version} · ${backend} backend · detail ${detail} · ${up}`);
    this.#cards.show(this.#model);
    this.#processes.show(this.#model, this.#order, filter);
    this.#commands.show(this.#model, filter, this.#live.trouble);
    this.#groups.show(this.#model, filter);
    this.#health.show(this.#model, this.#live.trouble);
  }
}

/** The ancestors of a process, parent first; null if its pid now belongs to another process. @throws Refusal */
async function ancestorsFrom(client: Client, { pid, key }: ProcessRow): Promise<ProcessRow[] | null> {
  const graph = (await client.get(`/graph/${pid}`, new AbortController().signal)) as { process: Row; ancestors: Row[] };
  const rowOf = (row: Row) => new DaemonRow(row, () => null);
  return rowOf(graph.process).key === key ? graph.ancestors.map(rowOf) : null;
}

function textOf(connection: Connection): string {
  switch (connection.state) {
    case "connecting":
      return "connecting";
    case "live":
      return "live";
    case "stopped":
      return "paused";
    case "token":
      return "needs the token";
    case "trouble":
      return `no new figures: ${connection.why}`;
  }
}

new Page();
