/** What the bot is to trade by, as the settings found it. Types alone, so that both ends may import them. */

/** A file of the user's; it is public: no secret belongs into it. */
export interface StrategyFile {
  /** Without a folder. */
  readonly name: string;
  readonly content: string;
}

export interface Strategy {
  /** Hummingbot's word for it (hummingbot/cli/strategy_configs.py): what the configuration configures. */
  readonly type: 'v1-strategy' | 'v2-script';
  /** Goes to conf/strategies or conf/scripts. */
  readonly config: StrategyFile;
  /** A script that the image does not have; goes to scripts/. */
  readonly script: StrategyFile | undefined;
  /** Configurations of controllers that the script runs; they go to conf/controllers. */
  readonly controllers: readonly StrategyFile[];
}
