/** The recommended redaction patterns on command lines as in the kernel; `|` stands for NUL, `¦` for `|`. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { RECOMMENDED_PATTERNS } from "../../src/config/recommended-redaction.ts";
import { parseToml } from "../../src/config/toml.ts";
import { redactorOf } from "../../src/process/redact.ts";

const redact = redactorOf({ redact: true, patterns: RECOMMENDED_PATTERNS });

function redacted(line: string): string {
  const bytes = new TextEncoder().encode(`${line.replaceAll("|", "\0").replaceAll("\u00a6", "|")}\0`);
  return new TextDecoder().decode(redact?.(bytes, false)).replaceAll("\0", "|").slice(0, -1);
}

/** Command lines with the secret `hunter2`, which must be hidden. */
const SECRETS = [
  // Options and assignments
  "x|--password=hunter2",
  "x|--password|hunter2",
  "x|--password=|hunter2",
  "x|-password|hunter2",
  "x|--PassWord|hunter2",
  "x|--db.password=hunter2",
  "x|--db-passwd:hunter2",
  "x|password = hunter2",
  "x|password: hunter2",
  "x|password => 'hunter2'",
  "x|password := hunter2",
  "x|user[password]=hunter2",
  "x|passwords[0]=hunter2",
  "x|--token|hunter2",
  "x|--token=hunter2",
  "x|--auth-token|hunter2",
  "x|--client-secret|hunter2",
  "x|--client_secret=hunter2",
  "x|--api-key|hunter2",
  "x|--apikey=hunter2",
  "x|--api.key=1|--private-key|hunter2",
  "x|--use-token|--secret|hunter2",
  "x|-storepass|hunter2",
  "x|--pwd|hunter2",
  "openssl|rsa|-passin|pass:hunter2",
  "openssl|enc|-aes-256-cbc|-k|hunter2",
  // Environment
  "env|PGPASSWORD=hunter2|psql",
  "env|MYSQL_PWD=hunter2|mysql",
  "env|DB_PASS=hunter2|x",
  "env|DB_PWD=hunter2|x",
  "docker|run|-e|API_KEY=hunter2|img",
  "sh|-c|export SECRET_KEY=hunter2; x",
  "env|AWS_SECRET_ACCESS_KEY=hunter2|aws|s3|ls",
  "env|AWS_SESSION_TOKEN=hunter2|aws",
  "aws|configure|set|aws_secret_access_key|hunter2",
  "kubectl|create|secret|generic|x|--from-literal=password=hunter2",
  // Separators other than a space
  "x|--password=\nhunter2",
  "x|--password|\thunter2",
  "x|--password\thunter2",
  "x|--password\rhunter2",
  "x|--password\r\nhunter2",
  "sh|-c|PASSWORD=\nhunter2",
  "sh|-c|x --password\u000b\fhunter2",
  "x|--password\u00a0hunter2",
  "x|--password=\u00a0hunter2",
  "x|--password\uff1dhunter2",
  "x|--password\uff1ahunter2",
  "x|--password\u2003hunter2",
  "x|--password\u3000hunter2",
  "x|password%3Dhunter2",
  // Bodies
  'curl|-d|{"password": "hunter2"}',
  'curl|-d|{"password":"hunter2"}',
  'curl|-d|{"password" : "hunter2", "user": "me"}',
  'curl|-d|{"user":"me","token":\n"hunter2"}',
  "python3|-c|connect({'password': 'hunter2'})",
  'sh|-c|curl -d "{\\"password\\": \\"hunter2\\"}" host',
  "curl|-d|user=me&password=hunter2",
  "curl|-F|password=hunter2",
  "curl|-d|<password>hunter2</password>",
  // Headers
  "curl|-H|Authorization: Bearer hunter2",
  "curl|-H|authorization:Bearer hunter2",
  "curl|-HAuthorization: Basic hunter2",
  "curl|-H|Authorization: Custom hunter2",
  "curl|-H|Authorization: hunter2",
  "curl|--header=Authorization: token hunter2",
  "echo|Authorization:|Bearer|hunter2",
  "echo|Authorization:|Basic|hunter2",
  "curl|-H|X-Api-Key: hunter2",
  "curl|-H|X-Auth-Token:hunter2",
  "curl|-H|PRIVATE-TOKEN: hunter2",
  "curl|-H|Cookie: session=hunter2",
  "curl|--cookie|session=hunter2",
  // URLs
  "git|clone|https://hunter2@host/a",
  "git|clone|https://me:hunter2@host/a",
  "git|clone|https://x-access-token:hunter2@host/a",
  "pip|install|--index-url|https://:hunter2@host/simple",
  "psql|postgresql://me:hunter2@host/db",
  "redis-cli|-u|redis://:hun@hunter2@host/0",
  "curl|https://host/?access_token=hunter2&x=1",
  "curl|https://host/blob?sv=1&sig=hunter2",
  "curl|https://host/v1?key=hunter2",
  // Users with their password
  "curl|-u|me:hunter2|https://host",
  "curl|-ume:hunter2|https://host",
  "curl|-sSu|me:hunter2|https://host",
  "curl|--user|me:hunter2|https://host",
  "curl|--user=me:hunter2|https://host",
  "curl|--proxy-user|me:hunter2|https://host",
  "curl|-u|1000:hunter2|https://host",
  "http|--auth|me:hunter2|host",
  "smbclient|-U|me%hunter2|//host/share",
  "skopeo|copy|--src-creds|me:hunter2|a|b",
  // Short options
  "mysql|-phunter2|db",
  "mysql|-u|root|-phunter2",
  "mysqldump|-uroot|-phunter2|db",
  "/usr/bin/mariadb-dump|-h|host|-phunter2",
  "sh|-c|mysql -u root -phunter2 db",
  "sshpass|-phunter2|ssh|host",
  "sshpass|-p|hunter2|ssh|-p|22|host",
  "7z|x|-phunter2|a.7z",
  "docker|login|-u|me|-p|hunter2|host",
  "redis-cli|-h|host|-a|hunter2",
  "zip|-P|hunter2|a.zip|b",
  "ldapsearch|-x|-D|cn=admin|-w|hunter2",
  "htpasswd|-b|file|me|hunter2",
  "htpasswd|-bc|file|me|hunter2",
  // SQL
  "psql|-c|ALTER USER me PASSWORD 'hunter2'",
  "mysql|-e|CREATE USER me IDENTIFIED BY 'hunter2'",
  "mysql|-e|ALTER USER me IDENTIFIED WITH caching_sha2_password BY 'hunter2'",
  // Other programs' own forms
  "plink|-pw|hunter2|host",
  "xfreerdp|/u:me|/p:hunter2|/v:host",
  "rdesktop|-u|me|-p|hunter2|host",
  "lftp|-u|me,hunter2|host",
  "twine|upload|-u|__token__|-p|hunter2",
  "cqlsh|-u|me|-p|hunter2|host",
  "useradd|-p|hunter2|me",
  "rar|a|-hphunter2|x",
  "mosquitto_pub|-u|me|-P|hunter2|-t|x",
  "mosquitto_pub|--pw|hunter2",
  "ssh-keygen|-N|hunter2|-f|k",
  "ssh-keygen|-p|-P|hunter2",
  "snmpget|-v2c|-c|hunter2|host",
  "sqlplus|-s|me/hunter2@host",
  "impdp|system/hunter2|x",
  "exp|userid=me/hunter2",
  "wpa_passphrase|ssid|hunter2",
  "rabbitmqctl|add_user|me|hunter2",
  "rabbitmqctl|change_password|me|hunter2",
  "bw|login|me|hunter2",
  "bw|unlock|hunter2",
  "vault|login|hunter2",
  "npm|config|set|//host/:_authToken|hunter2",
  "npm|config|set|_auth=hunter2",
  "curl|-b|sid=hunter2|https://host",
  "ykman|--pin|hunter2",
  "http|--auth|hunter2|host",
  "x|--auth=hunter2",
  "x|--otp|hunter2",
  "x|--license-key=hunter2",
  "aws|s3|cp|--sse-c-key|hunter2",
  // Standard input of a shell's pipe
  "sh|-c|echo hunter2 \u00a6 sudo -S ls",
  "sh|-c|echo -n hunter2 \u00a6 docker login -u me --password-stdin",
  "sh|-c|echo hunter2 \u00a6 gh auth login --with-token",
  "sh|-c|echo 'me:hunter2' \u00a6 chpasswd",
  // Variables and assignments in other forms
  "env|STRIPE_KEY=hunter2|x",
  "env|GITHUB_PAT=hunter2|x",
  "env|TWILIO_AUTH=hunter2|x",
  "env|PW=hunter2|x",
  "sh|-c|PASSWORD+=hunter2",
  "make|PASSWORD?=hunter2",
  "x|token\\=hunter2",
  "python3|-c|os.environ['TOKEN']='hunter2'",
  "x|Server=h;Uid=me;Pwd=hunter2;",
  "curl|https://host/?pwd=hunter2",
  "curl|https://host/?session_id=hunter2",
  "curl|-d|%7B%22password%22%3A%22hunter2%22%7D",
  // The rest of the argument may be part of the secret.
  "x|--password=my hunter2",
  "x|--password|my own hunter2",
];

/** Command lines with a secret that is recognized by its form, and the redacted lines. */
const FORMS: [string, string][] = [
  ["x|AKIAIOSFODNN7EXAMPLE|y", "x|[redacted]|y"],
  ["x|ghp_0123456789abcdefghij0123456789abcdef|y", "x|[redacted]|y"],
  ["x|glpat-0123456789abcdefghij|y", "x|[redacted]|y"],
  ["x|xoxb-123456789012-abcdef|y", "x|[redacted]|y"],
  ["x|eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_|y", "x|[redacted]|y"],
  ["x|-----BEGIN RSA PRIVATE KEY-----\nMIIE\n|y", "x|[redacted]|[redacted]"],
];

/** Command lines of which nothing is hidden. */
const HARMLESS = [
  "mkdir|-p|/a/b",
  "mkdir|-pv|/a/b",
  "ssh|-p|22|host",
  "ssh|-p22|git@host",
  "scp|-P|22|a|me@host:b",
  "cp|-pR|a|b",
  "rsync|-prt|a|host:b",
  "patch|-p1|-i|a.diff",
  "docker|run|-p|8080:80|-u|1000:1000|img",
  "docker|run|--user|0:0|-p8080:80|img",
  "nmap|-p1-100|host",
  "ps|-p|1",
  "mysql|-P|3306|-h|host|-u|root|-p|db",
  "mysql|--protocol=tcp|-h|host",
  "git|push|-u|origin|main",
  "git|clone|ssh://git@host/a.git",
  "git|clone|git@host:a.git",
  "passwd",
  "passwd|me",
  "/usr/bin/passwd|-l|me",
  "sudo|passwd|-l|me",
  "cat|/etc/passwd|/etc/group",
  "vim|/src/password.c|other.c",
  "compass|list",
  "bypass|now",
  "pwd|-P",
  "env|PWD=/home/me|OLDPWD=/|ls",
  "curl|https://host:80/a|--key|k|-p|22",
  "curl|https://host/a@b",
  "aws|secretsmanager|list",
  "ls|--author|-l",
  "tar|-xpf|a.tar",
  "date|-u|+%s",
  "unzip|-p|a.zip|b",
  "ssh|-N|-L|1:host:2|host",
  "ls|-b|/tmp",
  "grep|-P|a+|b",
  "vault|status",
  "echo|hello|world",
  "env|SSH_AUTH_SOCK=/run/x|ssh",
  "ssh-keygen|-f|k|-t|ed25519",
  "useradd|-m|me",
  "make|-p",
  "grep|-r|author|src",
  "python3|-m|http.server|8000",
  "node|--max-old-space-size=4096|server.js",
];

describe("the recommended redaction patterns", () => {
  test.each(SECRETS)("hide the secret in %j", (line) => {
    const result = redacted(line);
    expect(result).not.toContain("hunter2");
    expect(result).toContain("[redacted]");
  });

  test.each(FORMS)("hide a secret by its form: %j", (line, expected) => {
    expect(redacted(line)).toBe(expected);
  });

  test.each(HARMLESS)("leave %j unchanged", (line) => {
    expect(redacted(line)).toBe(line);
  });

  test.each<[string, string]>([
    ["x|--password|hunter2|-v|/a", "x|--password|[redacted]|-v|/a"],
    ["mysql|-u|root|-phunter2|db", "mysql|-u|root|-p[redacted]|db"],
    ["curl|-u|me:hunter2|https://host", "curl|-u|me:[redacted]|https://host"],
    ["git|clone|https://hunter2@host/a|b", "git|clone|https://[redacted]@host/a|b"],
    ["curl|-H|Authorization: Bearer hunter2|https://host", "curl|-H|Authorization: [redacted]|https://host"],
    // A word after the word "password" may be a password.
    ["grep|password|file", "grep|password|[redacted]"],
  ])("keep the text around a secret: %j", (line, expected) => {
    expect(redacted(line)).toBe(expected);
  });

  test("leave a pipe without a secret unchanged", () => {
    expect(redacted("sh|-c|echo hello \u00a6 wc -l")).toBe("sh|-c|echo hello | wc -l");
  });

  test("search an ordinary long command line completely", () => {
    const line = `java|${Array.from({ length: 400 }, (_, i) => `-Dsome.property.number.${i}=/a/path/${i}`).join("|")}`;
    expect(redacted(line)).toBe(line);
  });

  test("are the same in docs/configuration.md and docs/linnix.toml", () => {
    const read = (name: string) => readFileSync(join(import.meta.dir, "../../docs", name), "utf8");
    const [, block = ""] = /```toml\n(\[redaction\]\n[^`]+)```/.exec(read("configuration.md")) ?? [];
    expect(parseToml(block, "docs").find(({ property }) => property === "patterns")?.value).toEqual(
      RECOMMENDED_PATTERNS as string[],
    );
    const lines = [...read("linnix.toml").matchAll(/^# {3}'(.+)',$/gm)].map(([, pattern]) => pattern);
    expect(lines).toEqual(RECOMMENDED_PATTERNS as string[]);
  });
});
