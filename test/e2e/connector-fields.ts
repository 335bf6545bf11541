/** Where the catalog and the bot's connectors disagree: one line each, for whoever has to mend it. */

/** What the bot says of a field of a connector. */
export interface BotField {
  readonly secret: boolean;
  /** Name of its Python type. */
  readonly type: string;
  /** Whether a connector file without it is refused. */
  readonly required: boolean;
}

/** Fields by name, by connector. */
export type BotConnectors = Readonly<Record<string, Readonly<Record<string, BotField>>>>;

/** What the catalog says of an exchange. */
export interface CatalogConnector {
  readonly connector: string;
  /** Fields that get a secret. */
  readonly fields: readonly string[];
  readonly plainFields: Readonly<Record<string, string | boolean>>;
}

const pythonTypes = { string: 'str', boolean: 'bool' } as const;

/** @returns nothing when they agree */
export function disagreements(
  catalog: readonly CatalogConnector[],
  bot: BotConnectors,
): readonly string[] {
  return catalog.flatMap((each) => {
    const fields = bot[each.connector];
    return fields === undefined
      ? [`${each.connector}: the bot has no such connector`]
      : [...unknown(each, fields), ...missing(each, fields), ...wrong(each, fields)];
  });
}

type Fields = BotConnectors[string];

const written = ({ fields, plainFields }: CatalogConnector): readonly string[] => [
  ...fields,
  ...Object.keys(plainFields),
];

/** Fields of the bot that the catalog does not write. */
const left = (each: CatalogConnector, fields: Fields): readonly string[] =>
  Object.keys(fields).filter((name) => !written(each).includes(name));

/** One unknown field makes the bot refuse all its connectors. */
function unknown(each: CatalogConnector, fields: Fields): readonly string[] {
  const names = written(each).filter((name) => fields[name] === undefined);
  const others = left(each, fields);
  return names.map((name) =>
    names.length === 1 && others.length === 1
      ? `${each.connector}.${name}: another name, the bot calls it ${others[0]}`
      : `${each.connector}.${name}: unknown field, the bot has ${Object.keys(fields).join(', ')}`,
  );
}

function missing(each: CatalogConnector, fields: Fields): readonly string[] {
  return left(each, fields).map((name) => {
    const { secret, type, required } = fields[name] as BotField;
    const what = `${required ? 'required ' : ''}${secret ? 'secret' : type}`;
    return `${each.connector}.${name}: missing field, the bot has it (${what}) and the catalog does not`;
  });
}

function wrong(each: CatalogConnector, fields: Fields): readonly string[] {
  const exposed = each.fields
    .filter((name) => fields[name]?.secret === false)
    .map((name) => `${each.connector}.${name}: not secret for the bot, which writes it in plain`);
  const plain = Object.entries(each.plainFields).flatMap(([name, value]) => {
    const field = fields[name];
    const type = pythonTypes[typeof value as keyof typeof pythonTypes];
    if (field === undefined || (field.type === type && !field.secret)) return [];
    const said = field.secret ? 'a secret' : field.type;
    return [`${each.connector}.${name}: wrong type, ${type} in the catalog, ${said} for the bot`];
  });
  return [...exposed, ...plain];
}
