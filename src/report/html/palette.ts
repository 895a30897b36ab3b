/** The colours of every page of linnix, as rules of a style sheet: for light and for dark. */
export const PALETTE = `:root{--text:#1b1f24;--faint:#5b6570;--line:#d8dde3;--back:#fff;--panel:#f5f7f9;--a:#2166ac;--b:#d6761b;--c:#7b4fa3;--good:#1a7f37;--bad:#b42318;--doubtful:#8a6100}
@media(prefers-color-scheme:dark){:root{--text:#e4e8ec;--faint:#98a3ae;--line:#343c45;--back:#14181d;--panel:#1c2229;--a:#6ba8e5;--b:#eda35a;--c:#b493d6;--good:#56c271;--bad:#f0776c;--doubtful:#d9ab42}}
`;
