import type { CgroupRef } from "../../wire/cgroup-ref.ts";
import { patternRefusal } from "../patterns.ts";
import { Refusal, scalar, TEXT, TEXT_OR_NUMBER, textRefusal } from "./scalar.ts";
import type { ValueType } from "./value-type.ts";

/** The kernel's comm: TASK_COMM_LEN is 16 with its terminating NUL. */
export const comm: ValueType<string> = scalar<string>({
  expected: "a process name of 1 to 15 bytes, such as nginx",
  input: TEXT,
  read: (value) => {
    const text = String(value);
    const bytes = Buffer.byteLength(text);
    if (bytes > 15) {
      return new Refusal(`${bytes} bytes long`);
    }
    return bytes === 0 ? new Refusal("empty") : (textRefusal(text) ?? text);
  },
  toToml: (value) => value,
});

export const cgroup: ValueType<CgroupRef | null> = scalar<CgroupRef | null>({
  expected: "a path in the cgroup v2 hierarchy, such as /system.slice/cron.service, or a cgroup id, such as 4242",
  input: TEXT_OR_NUMBER,
  read: (value) => {
    const text = String(value);
    if (/^\d{1,20}$/.test(text)) {
      const id = BigInt(text);
      return id > 0n && id < 1n << 64n ? { id } : new Refusal("not a cgroup id");
    }
    if (!text.startsWith("/")) {
      return new Refusal("neither an absolute path nor a number");
    }
    if (text.split("/").some((part) => part === ".." || part === ".")) {
      return new Refusal("has . or .. in it");
    }
    return textRefusal(text) ?? { path: text };
  },
  toToml: (ref) => ("id" in ref ? String(ref.id) : ref.path),
});

export const userName: ValueType<string | null> = scalar<string | null>({
  expected: "the name of an account, such as linnix",
  input: TEXT,
  read: (value) => {
    const text = String(value);
    if (text === "") {
      return new Refusal("empty");
    }
    return /^[^\s:,/]{1,256}$/u.test(text) ? (textRefusal(text) ?? text) : new Refusal("not an account name");
  },
  toToml: (value) => value,
});

export const groupName: ValueType<string | null> = { ...userName, expected: "the name of a group, such as linnix" };

/** A regular expression in the syntax of `src/regexp/syntax.ts`. Its time is limited for every input. */
export const pattern: ValueType<string> = scalar<string>({
  expected: "a regular expression of RE2, such as token=(\\S+)",
  input: TEXT,
  read: (value) => {
    const text = String(value);
    const why = patternRefusal(text);
    return why === null ? text : new Refusal(why);
  },
  toToml: (value) => value,
});
