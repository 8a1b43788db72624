// Makes a function out of a schema that only says whether a value parsed from JSON keeps to it: no errors, no regular
// expression where the text as a whole answers, so several times faster than the validator beside it. It may refuse what
// the validator takes (a text counted in UTF-16 units, say), never take what the validator refuses.

/** No control characters: every string of a plain text (see `plain` below) is such a one. */
const clean = '[^\\u0000-\\u001f\\u007f-\\u009f]';
const patternsOfPlainText = new Map([
  [`^${clean}*$`, () => 'true'],
  [`^/${clean}*$`, (value) => `${value}.charCodeAt(0)===47`],
  [
    `^${clean.replace('[^', '[^/')}{1,128}$`,
    (value) => `${value}.length>0&&${value}.length<=128&&!${value}.includes("/")`,
  ],
]);

const annotations = new Set(['$schema', '$id', 'title', 'description', '$defs']);
const known = new Set([
  ...['type', 'const', 'enum', 'anyOf', '$ref', 'pattern', 'maxLength', 'minimum', 'maximum', 'multipleOf'],
  ...['items', 'maxItems', 'properties', 'required', 'additionalProperties', 'propertyNames', 'maxProperties'],
]);

/** @param others schemas that it may refer to, by their $id */
export function acceptorOf(root, others) {
  const functions = new Map();
  const constants = [];

  const constant = (code) => {
    if (!constants.includes(code)) constants.push(code);
    return `c${constants.indexOf(code)}`;
  };

  /** The name of the function that takes what the schema takes. */
  const functionOf = (schema) => {
    let entry = functions.get(schema);
    if (!entry) {
      entry = { name: `f${functions.size}`, body: '' };
      functions.set(schema, entry);
      entry.body = bodyOf(schema);
    }
    return entry.name;
  };

  const resolve = (ref) => {
    const [, name] = /^#\/\$defs\/(\w+)$/.exec(ref) ?? [];
    const found = name === undefined ? others.get(ref) : root.$defs[name];
    if (!found || (name === undefined && JSON.stringify(found).includes('"$ref"'))) throw new Error(`$ref ${ref}`);
    return found;
  };

  const call = (schema, value) => {
    const names = Object.keys(schema).filter((key) => !annotations.has(key));
    for (const name of names) if (!known.has(name)) throw new Error(`no acceptor for the keyword ${name}`);
    if (schema.$ref !== undefined && names.length > 1) throw new Error('no acceptor for keywords beside $ref');
    return schema.$ref === undefined ? `${functionOf(schema)}(${value})` : call(resolve(schema.$ref), value);
  };

  const bodyOf = (schema) => {
    if (schema.anyOf) return `return ${schema.anyOf.map((one) => call(one, 'v')).join('||')}`;
    if ('const' in schema) return `return v===${JSON.stringify(schema.const)}`;
    if (schema.enum) return `return ${schema.enum.map((one) => `v===${JSON.stringify(one)}`).join('||')}`;
    if (Array.isArray(schema.type)) return `return ${schema.type.map((type) => call({ type }, 'v')).join('||')}`;
    switch (schema.type) {
      case 'null':
        return 'return v===null';
      case 'boolean':
        return 'return typeof v==="boolean"';
      case 'number':
      case 'integer':
        return numberBody(schema);
      case 'string':
        return stringBody(schema);
      case 'array':
        return `if(!Array.isArray(v)||v.length>${schema.maxItems ?? Infinity})return false;
          for(let i=0;i<v.length;i++)if(!${call(schema.items, 'v[i]')})return false;return true`;
      case 'object':
        return `if(typeof v!=="object"||v===null||Array.isArray(v))return false;${objectBody(schema)}`;
      default:
        throw new Error(`no acceptor for the type ${schema.type}`);
    }
  };

  const numberBody = ({ type, minimum, maximum, multipleOf }) => {
    const tests = [type === 'integer' ? 'Number.isInteger(v)' : 'Number.isFinite(v)'];
    if (minimum !== undefined) tests.push(`v>=${minimum}`);
    if (maximum !== undefined) tests.push(`v<=${maximum}`);
    if (multipleOf !== undefined) tests.push(`v%${multipleOf}===0`);
    return `return ${tests.join('&&')}`;
  };

  const stringBody = ({ maxLength, pattern }) => {
    const tests = ['typeof v==="string"'];
    if (maxLength !== undefined) tests.push(`v.length<=${maxLength}`);
    if (pattern !== undefined) {
      const test = `${constant(`new RegExp(${JSON.stringify(pattern)},"u")`)}.test(v)`;
      const ofPlain = patternsOfPlainText.get(pattern);
      tests.push(ofPlain ? `(plain?${ofPlain('v')}:${test})` : test);
    }
    return `return ${tests.join('&&')}`;
  };

  /** A closed object has what is required and not more keys than those that were looked at. */
  const objectBody = ({ properties, required = [], additionalProperties, propertyNames, maxProperties }) => {
    if (typeof additionalProperties === 'object') {
      if (properties) throw new Error('no acceptor for additionalProperties beside properties');
      const name = propertyNames ? `!${call({ type: 'string', ...propertyNames }, 'k')}||` : '';
      return `let n=0;for(const k in v)if(${name}++n>${maxProperties ?? Infinity}||!${call(additionalProperties, 'v[k]')})return false;return true`;
    }
    if (additionalProperties !== false) throw new Error('no acceptor for an open object');
    const tests = Object.entries(properties).map(([key, schema]) => {
      const value = `v[${JSON.stringify(key)}]`;
      if (key in {}) throw new Error(`no acceptor for the key ${key}`);
      if (required.includes(key)) return `if(!${call(schema, value)})return false;`;
      return `if(${value}!==undefined){if(!${call(schema, value)})return false;n++}`;
    });
    return `let n=${required.length};${tests.join('')}for(const k in v)n--;return n===0`;
  };

  const start = functionOf(root);
  const text = [...functions.values()].map(({ name, body }) => `function ${name}(v){${body}}`);
  return `let plain=false;
${constants.map((code, index) => `const c${index}=${code};`).join('\n')}
${text.join('\n')}
export default function accepts(value,isPlain){plain=isPlain;return ${start}(value)}
`;
}
