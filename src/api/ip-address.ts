/** Recognises IP addresses, without node:net, which brings a MiB of streams along. */
import { regexes } from "zod/mini";

/** Four decimal numbers. */
export function isIPv4(text: string): boolean {
  return regexes.ipv4.test(text);
}

/** Any way to write one, without a zone. */
export function isIPv6(text: string): boolean {
  // The URL parser knows them all.
  return /^[0-9a-fA-F:.]+$/.test(text) && URL.canParse(`http://[${text}]`);
}
