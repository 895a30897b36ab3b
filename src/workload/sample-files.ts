import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Prng } from "../stats/prng.ts";
import { FOLDER_PREFIXES, PrivateFolder } from "../sys/private-folder.ts";
import { tempFolderError } from "../sys/temp-folder.ts";
import { SAMPLE_FILES, sampleFileName } from "./programs.ts";

/** With this size sha256sum spends more time on computing than on opening the file. */
const FILE_BYTES = 16 * 1024;

/** A private folder (0700) with the files for `ls`, `find` and `sha256sum`. Disposing of it removes the folder. */
export class SampleFiles implements Disposable {
  readonly folder: string;
  readonly #private: PrivateFolder;

  constructor(seed: number) {
    this.#private = new PrivateFolder(FOLDER_PREFIXES.workload);
    this.folder = this.#private.path;
    try {
      const prng = new Prng(seed);
      const words = new Uint32Array(FILE_BYTES / 4);
      for (let n = 0; n < SAMPLE_FILES; n++) {
        for (let i = 0; i < words.length; i++) words[i] = prng.uint32();
        writeFileSync(join(this.folder, sampleFileName(n)), words, { flag: "wx", mode: 0o600 });
      }
    } catch (error) {
      this[Symbol.dispose]();
      throw tempFolderError(error);
    }
  }

  [Symbol.dispose](): void {
    this.#private[Symbol.dispose]();
  }
}
