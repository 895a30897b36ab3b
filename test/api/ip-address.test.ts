import { expect, test } from "bun:test";
import * as net from "node:net";
import { isIPv4, isIPv6 } from "../../src/api/ip-address.ts";

const TEXTS = [
  ["", "localhost", "1.2.3", "127.1", "0x7f.1", "01.2.3.4", "256.1.1.1", "1.2.3.4\n", "127.0.0.1", "0.0.0.0"],
  ["::", "::1", "[::1]", "::1]:80", ":::", "0:0:0:0:0:0:0:1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "1::2:3:4:5:6:7:8"],
  ["12345::", "g::1", "2001:db8::1::2", "2001:DB8::a", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:1.2.3.256"],
].flat();

test("accepts the same addresses as node:net", () => {
  expect(TEXTS.filter(isIPv4)).toEqual(TEXTS.filter(net.isIPv4));
  expect(TEXTS.filter(isIPv6)).toEqual(TEXTS.filter(net.isIPv6));
});

test("refuses an address with a zone, which is valid on one machine only", () => {
  expect(isIPv6("fe80::1%eth0")).toBe(false);
});
