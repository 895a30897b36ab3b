/**
 * The redaction patterns that docs/configuration.md and docs/linnix.toml recommend. They hide secrets on the command
 * lines of common programs, and too much rather than too little. `\x27` is the single quote, which a literal string of
 * TOML cannot contain.
 */

/** The beginning of a name whose value is a secret. {@link REST} matches the rest, such as `word` of `password`. */
const KEY =
  "(?:pass|[_-]pwd|mysqlpwd|token|secret|credential|(?:api|private|access|account|session|signing|encryption|master|shared|auth)[ _-]?key|authorization)";
/** The same names as whole words, for patterns in which any next word is the value: `passenger X` must not match. */
const WHOLE_KEY =
  "(?:pass(?:word|wd|phrase|code)?|[_-]pwd|mysql[_-]?pwd|(?:auth)?token|secret|credentials?|(?:api|private|access|account|session|signing|encryption|master|shared|auth)[ _-]?key)";
/** The rest of the name, such as `[0]` or `_FILE`, and the quote and bracket that end it. */
const REST = String.raw`[\w.[\]-]*(?:\\*["\x27]\]?|%2[27])?`;
/** A sign between name and value. Bytes outside ASCII match the spaces and signs of Unicode, such as `＝`. */
const ASSIGN = String.raw`\s*[\\+?]?(?:[=:>]|\x{ff1d}|\x{ff1a}|%3[ADad](?:%2[27])?|[^\x00-\x7f]{2}?)`;
/** What may be between the name and the value. */
const FILL = String.raw`[\s=:>"\x27\\({[]*`;
const VALUE = String.raw`(\S+)`;

/** Programs whose `-p` takes a password without a space. If a space follows, the next word is something else. */
const JOINED_P = String.raw`(?:mysql[\w-]*|mariadb[\w-]*|7z[ar]?|rar|unrar|sshpass|cqlsh)`;
/** Texts after which the next word is a password. */
const NEXT_WORD = [
  String.raw`(?:sshpass|mongo\w*|(?:docker|podman|buildah|skopeo|az|cf|oc)\s+login|twine|cqlsh|rdesktop|rabbitmqadmin|user(?:add|mod))\b.*?\s-p`,
  String.raw`redis-cli\b.*?\s-a`,
  String.raw`(?:unzip|zip|sqlcmd|bcp|ipmitool|mosquitto_\w+|ssh-keygen)\b.*?\s-P`,
  String.raw`ssh-keygen\b.*?\s-N`,
  String.raw`snmp\w+\b.*?\s-[AXc]`,
  String.raw`curl\b.*?\s-b`,
  String.raw`lftp\b.*?-u\s*[^\s,]*,`,
  String.raw`\w*freerdp\b.*?\s/p:`,
  String.raw`rar\b.*?\s-hp`,
  String.raw`(?:sqlplus|sqlldr|rman|(?:exp|imp)(?:dp)?)\s(?:-\S+\s)*[\w=]+/`,
  String.raw`wpa_passphrase\s+\S+`,
  String.raw`rabbitmqctl\s.*?(?:add_user|change_password)\s+\S+`,
  String.raw`bw\s+(?:login\s+\S+|unlock)`,
  String.raw`vault\s+login`,
  String.raw`plink\b.*?\s-pw`,
  String.raw`ldap\w+\b.*?\s-w`,
  String.raw`openssl\s+enc\b.*?\s-[kK]`,
  String.raw`htpasswd\s+-\w*b\w*\s+(?:-\S+\s+)*\S+\s+\S+`,
  String.raw`(?i:identified\s+(?:with\s+\S+\s+)?by)`,
];
/** The list is divided into two patterns, because a pattern has at most 500 characters. */
const HALF = Math.ceil(NEXT_WORD.length / 2);
const nextWord = (programs: readonly string[]): string => String.raw`\b(?:${programs.join("|")})\s*["\x27]*(\S+)`;

export const RECOMMENDED_PATTERNS: readonly string[] = [
  // `password=X`, `{"password": "X"}`, `Authorization: Bearer X`, `<password>X`, `--password X`
  `(?i)(?:${KEY}${REST}${ASSIGN}|-[\\w.-]*${KEY}${REST}\\s)${FILL}${VALUE}`,
  // `scheme://user:X@host`
  String.raw`://[^:/@\s]*:(\S+)@`,
  // `password X` in words of their own; an X that begins with a dash is the next option
  String.raw`(?i)[\s"\x27(,;&_-]${WHOLE_KEY}(?:[_-][\w-]*)?["\x27]*\s["\x27\s]*([^\s"\x27-]\S*)`,
  // `https://X@host`
  String.raw`(?i)\b(?:https?|wss?|ftps?)://([^\s/@:?#]+)@`,
  // `?sig=X` in a URL, `;Pwd=X` in a connection string
  String.raw`(?i)(?:[?&](?:key|sig|signature|x-amz-signature|auth|code|pw|otp|session_?id)|[?&;]\s*pwd)=([^&;\s]+)`,
  // `STRIPE_KEY=X`, `--pin X`
  String.raw`\b(?:[A-Z][A-Z0-9_]*_(?:KEY|PAT|AUTH|PW|OTP|PIN)|PW|PAT|OTP|PIN|_auth)=["\x27]*(\S+)|\s--?(?:[a-z]+-)?(?:pw|otp|pin|auth|(?:licen[cs]e|sse-c)-key)[=\s]\s*["\x27]*([^\s"\x27-]\S*)`,
  // `echo X | sudo -S`, `echo user:X | chpasswd`
  String.raw`\becho\s+(?:-\w+\s+)*([^|]+)\|.*?(?:-stdin\b|--with-token|\bsudo\s+(?:-\w+\s+)*-\w*S|\bchpasswd)`,
  // `Bearer X`, at any position; `authorization: basic X` in words of their own
  String.raw`(?i)(?:\bbearer|authorization["\x27]*:?\s+(?:basic|digest|token|negotiate|apikey))\s+["\x27]*(\S+)`,
  // `cookie: X`, `--cookie X`
  String.raw`(?i)cookies?["\x27]*(?:\s*[=:]|\s)\s*["\x27]*(\S+)`,
  // `-u user:X`; two numbers are a uid and a gid
  String.raw`(?:\s-[A-Za-z]{0,6}[uU]|--(?:user|proxy-user|auth|userpwd|creds|[a-z]+-creds))[=\s]*["\x27]*(?:[^\s:]*[^\s:\d][^\s:]*:(\S+)|\d+:(\S*[^\s\d]\S*))`,
  // `-U user%X`
  String.raw`\s(?:-U|--user)[=\s]*[^\s%]*%(\S+)`,
  // `mysql -pX`
  String.raw`\b${JOINED_P}\b.*?\s-p(\S+)`,
  // `sshpass -p X`, `IDENTIFIED BY X`
  nextWord(NEXT_WORD.slice(0, HALF)),
  nextWord(NEXT_WORD.slice(HALF)),
  // Tokens with a known form: AWS, GitHub, GitLab, Slack, Google, OpenAI, Stripe, npm, Vault, JWT, PEM
  String.raw`\b(?:A[KS]IA[A-Z0-9]{12,}|gh[opsru]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|xox[a-z]-[\w-]{8,}|AIza[\w-]{30,}|[srp]k[_-][\w-]{20,}|npm_\w{30,}|hv[sbr]\.[\w-]{16,}|eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?)|-----BEGIN [A-Z ]*PRIVATE KEY-----.*`,
];
