/** Names that one may give, and that one version of YAML or the other takes for something else. */
export const ambiguousNames: readonly string[] = [
  ...['on', 'off', 'yes', 'no', 'y', 'n', 'true', 'null', '~', '123', '0777', '0o17', '1e3', '.5'],
  ...['12:30:45', '0x1f', '2026-11-27', '1_000', '-', '=', '<<', '.inf', 'NaN'],
];
