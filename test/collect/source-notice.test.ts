import { expect, test } from "bun:test";
import { SourceNotice } from "../../src/collect/source-notice.ts";
import { Warnings } from "../config/warnings.ts";

test("a message reports with the reason when samples begin to come from /proc", () => {
  using warnings = new Warnings();
  const said = (notice: SourceNotice, ...looks: Parameters<SourceNotice["look"]>[]) => {
    for (const look of looks) notice.look(...look);
    return warnings.take().map((text) => /because (this kernel|no cheaper)/.exec(text)?.[1]);
  };
  const notice = new SourceNotice();
  expect(said(notice, ["task-iterator", true], [null, true])).toEqual([]);
  expect(said(notice, ["proc", false], ["proc", false], [null, false], ["proc", false])).toEqual(["no cheaper"]);
  expect(said(notice, ["task-iterator", true], ["proc", true])).toEqual(["this kernel"]);
});
