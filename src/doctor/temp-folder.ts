import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { LinnixError } from "../errors.ts";
import { makeTempFolder } from "../sys/temp-folder.ts";
import { type Check, findingOf } from "./check.ts";

export interface TempFolderFacts {
  path: string;
  /** Why linnix cannot write to the folder; null if it can. */
  error: LinnixError | null;
}

export function readTempFolder(): TempFolderFacts {
  const path = tmpdir();
  try {
    rmSync(makeTempFolder("linnix-doctor-"), { recursive: true, force: true });
    return { path, error: null };
  } catch (error) {
    if (!(error instanceof LinnixError)) throw error;
    return { path, error };
  }
}

export function checkTempFolder({ path, error }: TempFolderFacts): Check {
  const check = { id: "temp-folder", title: "temporary folder" };
  if (error === null) return { ...check, status: "ok", found: `${path} can be written to` };
  const costs = "overhead-test and compare-with-polling cannot run";
  return { ...check, status: "warn", costs, ...findingOf(error) };
}
