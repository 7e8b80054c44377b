// Expressions over columns, in the language of `gridsearch top --filter`: comparisons, and, or, not, in, arithmetic.
const TOKEN = /\s*(?:(\d[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|([\p{L}_][\p{L}\p{N}_]*)|(==|!=|<=|>=|\/\/|[<>+\-*\/%()\[\],]))/uy;
const CONSTANTS = new Map([["true", true], ["false", false], ["null", null], ["True", true], ["False", false], ["None", null]]);
const KEYWORDS = ["and", "or", "not", "in"];
const ID_DIGITS = 64;
// As `TrialState` of config/events.py.
const STATES = ["cancelled", "completed", "diverged", "failed", "pending", "running", "stopped"];
const MOST_LETTERS = 1000;

export class ExpressionError extends Error {}

function tokens(text) {
  if (text.length > MOST_LETTERS) throw new ExpressionError("the expression is longer than " + MOST_LETTERS + " letters");
  const found = [];
  TOKEN.lastIndex = 0;
  let at = 0;
  while (at < text.trimEnd().length) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (!match) {
      const rest = text.slice(at).trim();
      if (/^=/.test(rest)) throw new ExpressionError("= is no comparison: write ==");
      if (/^(&&|\|\||!)/.test(rest)) throw new ExpressionError("write and, or, not");
      throw new ExpressionError("cannot be read from " + JSON.stringify(rest.slice(0, 20)) + " on");
    }
    at = TOKEN.lastIndex;
    if (match[1] !== undefined) found.push({ kind: "number", value: Number(match[1].replaceAll("_", "")), text: match[1] });
    else if (match[2] !== undefined) found.push({ kind: "text", value: match[2].slice(1, -1).replace(/\\(.)/g, "$1"), text: match[2] });
    else if (match[3] !== undefined) found.push({ kind: "name", value: match[3], text: match[3] });
    else found.push({ kind: "sign", value: match[4], text: match[4] });
  }
  return found;
}

function kindOf(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  return { number: "number", string: "text", boolean: "true/false" }[typeof value];
}

// As `kinds_text` of config/value_kinds.py.
function kindsText(kinds) {
  const words = [["number", "a number"], ["text", "text"], ["true/false", "true or false"], ["list", "a list"]];
  return words.filter(function (pair) { return kinds.has(pair[0]); }).map(function (pair) { return pair[1]; }).join(" or ");
}

// As `mend` there: how a value is written so that it is of a right kind.
function mend(value, kinds) {
  if (typeof value === "string" && kinds.has("number") && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value)) {
    return "; write " + value + " without quotes";
  }
  if (kinds.size === 1 && kinds.has("true/false")) return "; write true or false, without quotes";
  if (kinds.has("text") && typeof value !== "string" && !Array.isArray(value)) return '; write "' + value + '" in quotes';
  return "";
}

function written(value) {
  return typeof value === "string" ? "'" + value + "'" : JSON.stringify(value);
}

// True is no 1, as in a trial's identity.
function same(one, other) {
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every(function (item, place) { return same(item, other[place]); });
  }
  return one === other;
}

function within(one, other) {
  if (Array.isArray(other)) return other.some(function (item) { return same(one, item); });
  if (other === null) return false;
  if (typeof other === "string" && typeof one === "string") return other.includes(one);
  throw new ExpressionError("in takes a list, or text in text");
}

function number(value) {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return Number(value);
  throw new ExpressionError(written(value) + " is not a number");
}

function divisor(value) {
  if (number(value) === 0) throw new ExpressionError("division by zero");
  return value;
}

const ARITHMETIC = {
  "+": function (a, b) { return a + b; },
  "-": function (a, b) { return a - b; },
  "*": function (a, b) { return a * b; },
  "/": function (a, b) { return a / divisor(b); },
  "//": function (a, b) { return Math.floor(a / divisor(b)); },
  "%": function (a, b) { return a - divisor(b) * Math.floor(a / b); }
};

function ordered(one, other) {
  if (kindOf(one) !== kindOf(other) || !["number", "text"].includes(kindOf(one))) {
    throw new ExpressionError(written(one) + " and " + written(other) + " have no order");
  }
  return one < other ? -1 : one > other ? 1 : 0;
}

function isOrder(sign) {
  return sign.startsWith("<") || sign.startsWith(">");
}

const COMPARE = {
  "==": same,
  "!=": function (a, b) { return !same(a, b); },
  "<": function (a, b) { return a !== null && b !== null && ordered(a, b) < 0; },
  "<=": function (a, b) { return a !== null && b !== null && ordered(a, b) <= 0; },
  ">": function (a, b) { return a !== null && b !== null && ordered(a, b) > 0; },
  ">=": function (a, b) { return a !== null && b !== null && ordered(a, b) >= 0; },
  "in": within,
  "not in": function (a, b) { return !within(a, b); }
};

// Returns whether an expression holds for a row, as a function; throws ExpressionError with one line.
export function parseExpression(text, columns) {
  const left = tokens(text);
  let at = 0;
  spelledApart();

  // The headings of the table have spaces where names have underscores.
  function spelledApart() {
    const isWord = function (token) { return token && token.kind === "name" && !KEYWORDS.includes(token.value); };
    left.forEach(function (token, first) {
      const words = [];
      for (let place = first; isWord(left[place]); place += 1) {
        words.push(left[place].value);
        const name = words.join("_");
        if (words.length > 1 && columns.has(name)) throw new ExpressionError("write " + name + " for " + words.join(" "));
      }
    });
  }

  function peek(value) {
    const token = left[at];
    return token !== undefined && token.kind !== "text" && token.kind !== "number" && token.value === value;
  }
  function take(value) {
    if (!peek(value)) return false;
    at += 1;
    return true;
  }
  function need(value) {
    if (!take(value)) throw new ExpressionError("expected " + value + (left[at] ? " before " + left[at].text : " at the end"));
  }
  function either() {
    const parts = [both()];
    while (take("or")) parts.push(both());
    parts.forEach(condition(parts.length > 1));
    return parts.length === 1 ? parts[0] : { run: function (row) { return parts.some(function (part) { return truth(part.run(row)); }); }, truth: true };
  }
  function both() {
    const parts = [negated()];
    while (take("and")) parts.push(negated());
    parts.forEach(condition(parts.length > 1));
    return parts.length === 1 ? parts[0] : { run: function (row) { return parts.every(function (part) { return truth(part.run(row)); }); }, truth: true };
  }
  function negated() {
    if (!peek("not")) return comparison();
    at += 1;
    const part = negated();
    condition(true)(part);
    return { run: function (row) { return !truth(part.run(row)); }, truth: true };
  }
  function condition(asked) {
    return function (part) {
      if (asked && "literal" in part && typeof part.literal !== "boolean") {
        throw new ExpressionError(written(part.literal) + " is not a condition by itself; compare a column with it");
      }
    };
  }
  function comparison() {
    const sides = [sum()];
    const signs = [];
    for (;;) {
      const token = left[at];
      if (token && token.kind === "sign" && Object.hasOwn(COMPARE, token.value)) { at += 1; signs.push(token.value); }
      else if (take("in")) signs.push("in");
      else if (peek("not") && left[at + 1] && left[at + 1].kind === "name" && left[at + 1].value === "in") { at += 2; signs.push("not in"); }
      else break;
      sides.push(sum());
    }
    sides.forEach(function (side) { if (side.loose && signs.length === 0) unknown(side.loose); });
    if (!signs.length) return sides[0];
    signs.forEach(function (sign, place) { check(sign, sides[place], sides[place + 1]); });
    return {
      truth: true,
      run: function (row) {
        let one = sides[0].run(row);
        for (let place = 0; place < signs.length; place += 1) {
          const other = sides[place + 1].run(row);
          if (!COMPARE[signs[place]](one, other)) return false;
          one = other;
        }
        return true;
      }
    };
  }
  // What is never equal is refused: an empty table would mislead in silence.
  function check(sign, one, other) {
    [[one, other], [other, one]].forEach(function (pair) {
      const column = pair[0].column;
      const items = pair[1].items && sign.includes("in") ? pair[1].items : [pair[1]];
      items.forEach(function (item) {
        if (item.loose) {
          // A word that stands beside text is text.
          if (!column || column.number || sign.includes("in") && pair[0] === other) unknown(item.loose);
          item.literal = item.loose;
          item.run = function () { return item.literal; };
          item.loose = "";
        }
        if (!column || !("literal" in item) || item.literal === null || sign.includes("in") && pair[0] === other) return;
        if (column.name === "trial") wholeId(sign, item);
        if (column.name === "state" && typeof item.literal === "string" && !isOrder(sign) && !STATES.includes(item.literal)) {
          throw new ExpressionError("state is never " + written(item.literal) + ": there is no such state (valid: " + STATES.join(", ") + ")");
        }
        const kinds = new Set(column.values.map(kindOf));
        if (column.name === "trial") kinds.add("text");
        if (column.name === "rank") kinds.add("number");
        if (kinds.size && !kinds.has(kindOf(item.literal))) {
          const other = kindsText(new Set([kindOf(item.literal)]));
          throw new ExpressionError(column.name + " is " + kindsText(kinds) + ", and " + written(item.literal) + " is " + other + (isOrder(sign) ? ": neither is less than the other" : mend(item.literal, kinds)));
        }
      });
    });
  }
  // A page of very many trials has the first digits of ids alone.
  function wholeId(sign, item) {
    if (typeof item.literal !== "string" || isOrder(sign)) return;
    if (item.literal.length !== ID_DIGITS) {
      throw new ExpressionError("trial is never " + written(item.literal) + ": the whole id has " + ID_DIGITS + " digits; of its first digits write " + written(item.literal) + " in trial");
    }
    const kept = item.literal.slice(0, columns.get("trial").digits);
    item.run = function () { return kept; };
  }
  function sum() {
    let one = product();
    while (peek("+") || peek("-")) one = combined(one, left[at++].value, product());
    return one;
  }
  function product() {
    let one = signed();
    while (peek("*") || peek("/") || peek("//") || peek("%")) one = combined(one, left[at++].value, signed());
    return one;
  }
  function combined(one, sign, other) {
    [one, other].forEach(function (side) { if (side.loose) unknown(side.loose); });
    const work = ARITHMETIC[sign];
    return { run: function (row) { return work(number(one.run(row)), number(other.run(row))); } };
  }
  function signed() {
    if (take("-")) {
      const one = signed();
      if (one.loose) unknown(one.loose);
      if (typeof one.literal === "number") return literal(-one.literal);
      return { run: function (row) { return -number(one.run(row)); } };
    }
    if (take("+")) throw new ExpressionError("+ stands between two numbers");
    return atom();
  }
  function literal(value) {
    return { literal: value, run: function () { return value; } };
  }
  function atom() {
    const token = left[at];
    if (token === undefined) throw new ExpressionError("something is missing at the end");
    at += 1;
    if (token.kind === "number" || token.kind === "text") return literal(token.value);
    if (token.value === "(" || token.value === "[") {
      const closing = token.value === "(" ? ")" : "]";
      const items = [];
      let several = token.value === "[";
      while (!peek(closing)) {
        items.push(either());
        if (!take(",")) break;
        several = true;
      }
      need(closing);
      if (!several && items.length === 1) return items[0];
      const made = { items: items, run: function (row) { return items.map(function (item) { return item.run(row); }); } };
      if (items.every(function (item) { return "literal" in item; })) made.literal = items.map(function (item) { return item.literal; });
      return made;
    }
    if (token.kind !== "name" || KEYWORDS.includes(token.value)) {
      throw new ExpressionError("a value is missing before " + token.text);
    }
    if (columns.has(token.value)) {
      const column = columns.get(token.value);
      return { column: column, run: column.value };
    }
    if (CONSTANTS.has(token.value)) return literal(CONSTANTS.get(token.value));
    return { loose: token.value, run: function () { return token.value; } };
  }
  function unknown(name) {
    throw new ExpressionError("unknown column " + written(name) + "; there are " + Array.from(columns.keys()).join(", "));
  }
  function truth(value) {
    return !(value === null || value === false || value === 0 || value === "" || Array.isArray(value) && !value.length);
  }

  if (!left.length) return function () { return true; };
  const whole = either();
  if (whole.loose) unknown(whole.loose);
  condition(true)(whole);
  if (at < left.length) throw new ExpressionError("cannot be read from " + left[at].text + " on");
  return function (row) { return truth(whole.run(row)); };
}
