// Turns a schema into straight-line JavaScript, one function per struct, specialised to one
// version: no test of versions is left at run time and every value has one object shape. Only field
// names and numbers of our own schemas enter the text, and the names are checked. `interpret.ts`
// does the same without generating code.

import { assert } from '../../base/errors.ts';
import type { Codec, Complete } from './codec.ts';
import { ProtocolError } from './error.ts';
import type { Field, Fields, Kind } from './field.ts';
import {
  absentFields,
  emptyBuffer,
  fallbackOf,
  fixedFields,
  fixedWidth,
  isNullable,
  isPresent,
  type Layout,
  leastKindSize,
  leastStructSize,
  nullMarker,
  recordsInMemory,
  taggedFields,
} from './layout.ts';
import { unfit } from './writer.ts';

/** Arrays up to this length are given their room at once: one that grows takes room for 17 at first. */
const EXACT_ITEMS_MAX = 1024;

const fieldName = /^[a-z][A-Za-z0-9]*$/;

/** What generated code may call besides readers and writers. */
const runtime = {
  empty: emptyBuffer,
  unfit,
  recordsInMemory,
  absent: (name: string, version: number) =>
    new ProtocolError(
      'unencodable_value',
      `version ${version} has no field ${name}, yet it is set`,
    ),
  nullForbidden: (name: string) =>
    new ProtocolError('unencodable_value', `${name} must not be null in this version`),
};

/** Collects the functions of one codec. */
class Functions {
  readonly texts: string[] = [];

  /** Adds a function and gives its name. */
  add(role: string, parameters: string, body: string): string {
    const name = `${role}${this.texts.length}`;
    this.texts.push(`function ${name}(${parameters}) {\n${body}\n}`);
    return name;
  }

  build(results: string, sourceName: string): unknown {
    const text = [
      "'use strict';",
      ...this.texts,
      `return ${results};`,
      `//# sourceURL=tidemark-protocol/${sourceName}.js`,
    ];
    return new Function('rt', text.join('\n'))(runtime);
  }
}

/** Throws `EvalError` where the process forbids generated code. */
export function compileCodec(name: string, fields: Fields, layout: Layout): Codec {
  const functions = new Functions();
  const read = structReader(functions, fields, layout);
  const write = structWriter(functions, fields, layout);
  return functions.build(
    `{ read: ${read}, write: ${write} }`,
    `${name}.v${layout.version}`,
  ) as Codec;
}

/** As `compileCodec`, for the function that fills in fallbacks. */
export function compileComplete(name: string, fields: Fields): Complete {
  const functions = new Functions();
  const complete = structCompleter(functions, fields);
  return functions.build(complete, `${name}.complete`) as Complete;
}

function checkNames(fields: Fields): void {
  for (const name of Object.keys(fields)) assert(fieldName.test(name), `field name ${name}`);
}

/** An expression for a fresh fallback value. */
function fallbackText(field: Field): string {
  if (field.kind === 'struct' && field.fallback === undefined) return fallbackStructText(field);
  const value = fallbackOf(field);
  return Buffer.isBuffer(value) ? 'rt.empty' : JSON.stringify(value);
}

function fallbackStructText(field: Field): string {
  const entries = Object.entries(field.of ?? {});
  return `{ ${entries.map(([name, f]) => `${name}: ${fallbackText(f)}`).join(', ')} }`;
}

/** An expression that is true when `value` (not undefined) equals the fallback. */
function isFallbackText(functions: Functions, field: Field, value: string): string {
  if (field.fallback === null || field.kind === 'records') return `${value} === null`;
  switch (field.kind) {
    case 'bytes':
      return `(${value} !== null && ${value}.byteLength === 0)`;
    case 'array':
      return `(${value} !== null && ${value}.length === 0)`;
    case 'struct': {
      const parts = Object.entries(field.of ?? {}).map(
        ([name, f]) => `(m.${name} === undefined || ${isFallbackText(functions, f, `m.${name}`)})`,
      );
      const body = `return m !== null && ${parts.join(' && ')};`;
      return `${functions.add('isFallback', 'm', body)}(${value})`;
    }
    default:
      return `${value} === ${fallbackText(field)}`;
  }
}

function capital(kind: Kind): string {
  return kind.charAt(0).toUpperCase() + kind.slice(1);
}

/** Name of the reader or writer method of a string or bytes field. */
function lengthMethod(field: Field, layout: Layout, kind: 'string' | 'bytes'): string {
  const nullable = isNullable(field, layout.version) ? 'nullable' : '';
  const compact = layout.flexible && !field.plainLength ? 'compact' : '';
  const prefix = compact && nullable ? 'compactNullable' : compact || nullable;
  return prefix === '' ? kind : prefix + capital(kind);
}

// Reading.

function structReader(functions: Functions, fields: Fields, layout: Layout): string {
  checkNames(fields);
  const { version } = layout;
  const lines = fixedFields(fields, version).map(
    ([name, f]) => `const f_${name} = ${readText(functions, f, layout)};`,
  );
  const tags = taggedFields(fields, version);
  for (const [name, f] of tags) lines.push(`let f_${name} = ${fallbackText(f)};`);
  if (layout.flexible)
    lines.push(tags.length === 0 ? 'r.skipTags();' : tagLoop(functions, tags, layout));
  const values = Object.entries(fields).map(([name, f]) =>
    isPresent(f, version) ? `${name}: f_${name}` : `${name}: ${fallbackText(f)}`,
  );
  return functions.add('read', 'r', `${lines.join('\n')}\nreturn { ${values.join(', ')} };`);
}

function tagLoop(functions: Functions, tags: [string, Field][], layout: Layout): string {
  const cases = tags.map(([name, f]) => {
    const value = readText(functions, f, layout);
    const enter = 'const outer = r.enterTag(size);';
    return `case ${f.tag}: { ${enter} f_${name} = ${value}; r.leaveTag(outer); break; }`;
  });
  return `for (let left = r.tagCount(); left > 0; left--) {
const tag = r.unsignedVarint();
const size = r.unsignedVarint();
switch (tag) {
${cases.join('\n')}
default: r.skip(size);
}
}`;
}

function readText(functions: Functions, field: Field, layout: Layout): string {
  switch (field.kind) {
    case 'string':
      return `r.${lengthMethod(field, layout, 'string')}()`;
    case 'bytes':
    case 'records':
      return `r.${lengthMethod(field, layout, 'bytes')}()`;
    case 'array':
      return `${arrayReader(functions, field, layout)}(r)`;
    case 'struct': {
      const read = `${structReader(functions, field.of ?? {}, layout)}(r)`;
      if (!isNullable(field, layout.version)) return read;
      return `(${field.tag < 0 ? 'r.int8() < 0' : 'r.unsignedVarint() === 0'} ? null : ${read})`;
    }
    default:
      return `r.${field.kind}()`;
  }
}

function arrayReader(functions: Functions, field: Field, layout: Layout): string {
  const least = itemLeastSize(field, layout);
  const length = layout.flexible ? 'compactArrayLength' : 'arrayLength';
  const item =
    field.item === undefined
      ? `${structReader(functions, field.of ?? {}, layout)}(r)`
      : `r.${layout.flexible && field.item === 'string' ? 'compactString' : field.item}()`;
  const ifNull = isNullable(field, layout.version) ? 'return null' : 'throw r.nullForbidden()';
  return functions.add(
    'readArray',
    'r',
    `const n = r.${length}(${least});
if (n < 0) ${ifNull};
if (n === 1) return [${item}];
const items = n <= ${EXACT_ITEMS_MAX} ? new Array(n) : [];
for (let i = 0; i < n; i++) items[i] = ${item};
return items;`,
  );
}

/** Fewest bytes of one element; at least one, or a length would not be bounded by the frame. */
export function itemLeastSize(field: Field, layout: Layout): number {
  const least =
    field.item === undefined
      ? leastStructSize(field.of ?? {}, layout)
      : leastKindSize(field.item, layout);
  assert(least > 0, 'array elements take at least one byte');
  return least;
}

// Writing.

function structWriter(functions: Functions, fields: Fields, layout: Layout): string {
  checkNames(fields);
  const { version } = layout;
  const lines: string[] = [];
  for (const [name, f] of absentFields(fields, version)) {
    if (f.ignorable) continue;
    const same = isFallbackText(functions, f, `m.${name}`);
    lines.push(
      `if (m.${name} !== undefined && !(${same})) throw rt.absent('${name}', ${version});`,
    );
  }
  for (const [name, f] of fixedFields(fields, version)) {
    lines.push(
      `let f_${name} = m.${name}; if (f_${name} === undefined) f_${name} = ${fallbackText(f)};`,
    );
  }
  // Neighbours of fixed width share one check for room.
  let width = 0;
  let puts: string[] = [];
  const flush = () => {
    if (width > 0) lines.push(`w.reserve(${width}); ${puts.join(' ')}`);
    width = 0;
    puts = [];
  };
  for (const [name, f] of fixedFields(fields, version)) {
    const own = fixedWidth[f.kind];
    if (own === undefined) {
      flush();
      lines.push(writeText(functions, [name, f], layout, 'w'));
    } else {
      width += own;
      puts.push(`w.put${capital(f.kind)}(f_${name});`);
    }
  }
  const tags = taggedFields(fields, version);
  if (layout.flexible && tags.length === 0) {
    width += 1;
    puts.push('w.putInt8(0);');
  }
  flush();
  if (tags.length > 0) lines.push(tagsWriter(functions, tags, layout));
  return functions.add('write', 'w, m', lines.join('\n'));
}

function tagsWriter(functions: Functions, tags: [string, Field][], layout: Layout): string {
  assert(layout.flexible, 'tagged fields need a flexible version');
  const lines = tags.map(([name, f]) => {
    const same = isFallbackText(functions, f, `f_${name}`);
    return `const f_${name} = m.${name}, t_${name} = f_${name} !== undefined && !(${same});`;
  });
  const count = tags.map(([name]) => `(t_${name} ? 1 : 0)`).join(' + ');
  lines.push(`w.unsignedVarint(${count});`);
  for (const [name, f] of tags) {
    const write = writeText(functions, [name, f], layout, 't');
    lines.push(`if (t_${name}) { const t = w.nested(); ${write} w.tag(${f.tag}, t); }`);
  }
  return lines.join('\n');
}

/** A statement that writes `f_<name>` to the writer variable `w`. */
function writeText(
  functions: Functions,
  [name, field]: [string, Field],
  layout: Layout,
  w: string,
): string {
  const value = `f_${name}`;
  switch (field.kind) {
    case 'string':
    case 'bytes':
      return `${w}.${lengthMethod(field, layout, field.kind)}(${value});`;
    case 'records':
      return `${w}.${layout.flexible ? 'compactRecords' : 'records'}(${value});`;
    case 'array':
      return `${arrayWriter(functions, [name, field], layout)}(${w}, ${value});`;
    case 'struct': {
      const write = structWriter(functions, field.of ?? {}, layout);
      if (!isNullable(field, layout.version)) {
        const refuse = `if (${value} === null) throw rt.nullForbidden('${name}');`;
        return `${refuse} ${write}(${w}, ${value});`;
      }
      const marker = `${value} === null ? ${nullMarker(field)} : 1`;
      const rest = `if (${value} !== null) ${write}(${w}, ${value});`;
      return `${w}.reserve(1); ${w}.putInt8(${marker}); ${rest}`;
    }
    default:
      return `${w}.reserve(${fixedWidth[field.kind]}); ${w}.put${capital(field.kind)}(${value});`;
  }
}

function arrayWriter(functions: Functions, [name, field]: [string, Field], layout: Layout): string {
  const length = layout.flexible
    ? (n: string) => `w.unsignedVarint(${n} + 1);`
    : (n: string) => `w.reserve(4); w.putInt32(${n});`;
  const ifNull = isNullable(field, layout.version)
    ? `{ ${length('-1')} return; }`
    : `throw rt.nullForbidden('${name}');`;
  const lines = [
    `if (a === null) ${ifNull}`,
    `if (!Array.isArray(a)) throw rt.unfit('an array', a);`,
    `const n = a.length; ${length('n')}`,
  ];
  const each = (text: string) => `for (let i = 0; i < n; i++) ${text}`;
  const width = field.item === undefined ? undefined : fixedWidth[field.item];
  if (field.item === undefined) {
    lines.push(each(`${structWriter(functions, field.of ?? {}, layout)}(w, a[i]);`));
  } else if (width !== undefined) {
    lines.push(`w.reserve(n * ${width});`, each(`w.put${capital(field.item)}(a[i]);`));
  } else {
    lines.push(each(`w.${layout.flexible ? `compact${capital(field.item)}` : field.item}(a[i]);`));
  }
  return functions.add('writeArray', 'w, a', lines.join('\n'));
}

// Filling in fallbacks.

function structCompleter(functions: Functions, fields: Fields): string {
  checkNames(fields);
  const values = Object.entries(fields).map(([name, f]) => {
    const given = completeText(functions, f, `m.${name}`);
    return `${name}: m.${name} === undefined ? ${fallbackText(f)} : ${given}`;
  });
  return functions.add('complete', 'm', `return { ${values.join(',\n')} };`);
}

function completeText(functions: Functions, field: Field, value: string): string {
  if (field.kind === 'records') return `rt.recordsInMemory(${value})`;
  if (field.of === undefined) return value;
  const complete = structCompleter(functions, field.of);
  const given = field.kind === 'array' ? `${value}.map(${complete})` : `${complete}(${value})`;
  return `${value} === null ? null : ${given}`;
}
