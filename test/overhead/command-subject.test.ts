import { expect, test } from "bun:test";
import { CommandSubject } from "../../src/overhead/command-subject.ts";
import { PrivateFolder } from "../../src/sys/private-folder.ts";

test.each([["linnix-no-such-program"], ["/nonexistent/x"], ["/etc"], ["/etc/passwd"], ["/etc/passwd/x"], [""]])(
  "a command that does not exist is wrong use: %j",
  (program) => {
    using folder = new PrivateFolder("linnix-overhead-");
    expect(() => new CommandSubject([program], folder)).toThrow(
      expect.objectContaining({ exitCode: 2, what: expect.stringContaining("there is no program") }),
    );
  },
);

test("a command that exists is accepted", () => {
  using folder = new PrivateFolder("linnix-overhead-");
  expect(new CommandSubject(["sh", "-c", "exit 0"], folder)).toMatchObject({ name: "sh", command: "sh -c 'exit 0'" });
});
