/** The words of an `up` as this project runs it. */

export interface UpOptions {
  readonly stack: string;
  readonly protected: boolean;
  /** Whether nobody is asked. */
  readonly agreed: boolean;
  /**
   * Whether nothing but values can have changed since the last one.
   * @default false
   */
  readonly valuesAlone?: boolean;
}

/** A refresh first: files that somebody deleted or changed are made right again. */
export function upArguments({ stack, agreed, ...of }: UpOptions): readonly string[] {
  return [
    ...['up', '--refresh', '--suppress-outputs', '--suppress-progress'],
    ...(agreed ? ['--yes'] : []),
    // Only a preview finds that something is protected before all else is deleted.
    ...(of.protected && of.valuesAlone !== true ? [] : ['--skip-preview']),
    ...['--stack', stack],
  ];
}
