import protobuf from 'protobufjs';

/**
 * What `now` breaks of `released`: a field, value, method, message or service that is gone without its number and name
 * being reserved, or has another number, type or label, or the number or name of one that was given up. Nodes of two
 * releases meet during an upgrade.
 */
export function brokenPromises(
  released: protobuf.NamespaceBase,
  now: protobuf.NamespaceBase,
): readonly string[] {
  return released.nestedArray.flatMap((before) => {
    const after = now.get(before.name);
    const name = before.fullName.slice(1);
    if (after === null) return [`${name} is gone`];
    if (before instanceof protobuf.Enum) return brokenEnum(before, after);
    if (before instanceof protobuf.Service) return brokenService(before, after);
    if (!(before instanceof protobuf.Namespace) || !(after instanceof protobuf.Namespace))
      return [`${name} is of another kind`];
    const inner = brokenPromises(before, after);
    if (!(before instanceof protobuf.Type)) return inner;
    if (!(after instanceof protobuf.Type)) return [`${name} is no message any more`];
    return [...inner, ...brokenFields(before, after), ...takenUp(before, after)];
  });
}

/** Files that a release had and that are there no more: what they promised nothing would look at. */
export function goneFiles(released: readonly string[], now: readonly string[]): readonly string[] {
  return released.filter((name) => !now.includes(name)).map((name) => `${name} is gone`);
}

/** What was reserved stays so: a field that takes up its number means something else to a node of before. */
function takenUp(before: protobuf.Type, after: protobuf.Type): readonly string[] {
  const name = before.fullName.slice(1);
  const again = after.fieldsArray
    .filter((field) => before.isReservedId(field.id) || before.isReservedName(field.name))
    .map((field) => `${name}.${field.name}: ${field.id} or "${field.name}" is reserved`);
  const freed = reservedOf(before)
    .filter((one) => !isReservedIn(after, one))
    .map((one) => `${name}: ${typeof one === 'string' ? `"${one}"` : one.join(' to ')} is reserved no more`); // prettier-ignore
  return [...again, ...freed];
}

function isReservedIn(type: protobuf.Type, one: string | readonly number[]): boolean {
  return reservedOf(type).some((kept) => {
    if (typeof one === 'string' || typeof kept === 'string') return kept === one;
    return (kept[0] ?? 0) <= (one[0] ?? 0) && (kept[1] ?? 0) >= (one[1] ?? 0);
  });
}

/** Names, and first and last of numbers. Unlike its type says a message without any has no list. */
function reservedOf({ reserved }: protobuf.Type): readonly (string | number[])[] {
  return Array.isArray(reserved) ? reserved : [];
}

function brokenFields(before: protobuf.Type, after: protobuf.Type): readonly string[] {
  return before.fieldsArray.flatMap((field) => {
    const name = `${before.fullName.slice(1)}.${field.name}`;
    const kept = after.fields[field.name];
    if (kept === undefined) {
      const isReserved = after.isReservedId(field.id) && after.isReservedName(field.name);
      return isReserved ? [] : [`${name} is gone: reserve ${field.id} and "${field.name}"`];
    }
    const changes = [
      kept.id !== field.id && `number ${field.id} became ${kept.id}`,
      kept.type !== field.type && `type ${field.type} became ${kept.type}`,
      keyTypeOf(kept) !== keyTypeOf(field) && `keys ${keyTypeOf(field)} became ${keyTypeOf(kept)}`,
      kept.repeated !== field.repeated && 'it is a list in one of the two only',
      kept.partOf?.name !== field.partOf?.name && 'its oneof is another one',
    ];
    return changes.filter((one) => one !== false).map((one) => `${name}: ${one}`);
  });
}

/** Of a map; 'none' for what is no map. */
function keyTypeOf(field: protobuf.Field): string {
  return field instanceof protobuf.MapField ? field.keyType : 'none';
}

function brokenEnum(before: protobuf.Enum, after: protobuf.ReflectionObject): readonly string[] {
  const name = before.fullName.slice(1);
  if (!(after instanceof protobuf.Enum)) return [`${name} is no enum any more`];
  return Object.entries(before.values)
    .filter(([key, number]) => after.values[key] !== number)
    .map(([key]) => `${name}.${key} is gone or has another number`);
}

function brokenService(
  before: protobuf.Service,
  after: protobuf.ReflectionObject,
): readonly string[] {
  const name = before.fullName.slice(1);
  if (!(after instanceof protobuf.Service)) return [`${name} is no service any more`];
  return before.methodsArray.flatMap((method) => {
    const kept = after.methods[method.name];
    const isSame =
      kept?.requestType === method.requestType &&
      kept.responseType === method.responseType &&
      kept.requestStream === method.requestStream &&
      kept.responseStream === method.responseStream;
    return isSame ? [] : [`${name}.${method.name} is gone or takes or gives something else`];
  });
}
