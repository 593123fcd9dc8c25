// Rules for the script of the report's page. `make lint-page` brings the linter to build/eslint and runs it.
import { readdirSync, readFileSync } from "node:fs";
import js from "./build/eslint/node_modules/@eslint/js/src/index.js";
import { parse } from "./build/eslint/node_modules/espree/espree.js";
import globals from "./build/eslint/node_modules/globals/index.js";

const FOLDER = "topores/report/assets";
const STRICTER = [
  "array-callback-return", "consistent-return", "dot-notation", "eqeqeq", "no-else-return", "no-eval",
  "no-implied-eval", "no-lonely-if", "no-loop-func", "no-new-func", "no-return-assign", "no-script-url",
  "no-self-compare", "no-shadow", "no-template-curly-in-string", "no-throw-literal",
  "no-unmodified-loop-condition", "no-unneeded-ternary", "no-unused-expressions", "no-useless-rename",
  "no-useless-return", "no-var", "object-shorthand", "prefer-const", "prefer-template", "radix",
  "require-await", "yoda",
];
const PARSING = { ecmaVersion: 2024, sourceType: "module" };

// The page joins these files into one script, so each file may use the top-level names of all the others.
const files = readdirSync(FOLDER).filter((name) => name.endsWith(".js"));
const texts = Object.fromEntries(files.map((name) => [name, readFileSync(`${FOLDER}/${name}`, "utf8")]));

function namesIn(pattern) {
  if (pattern.type === "Identifier") return [pattern.name];
  if (pattern.type === "ArrayPattern") return pattern.elements.filter(Boolean).flatMap(namesIn);
  if (pattern.type === "ObjectPattern") return pattern.properties.flatMap(({ value, argument }) => namesIn(value ?? argument));
  return namesIn(pattern.left ?? pattern.argument);
}

function topLevelNames(text) {
  return parse(text, PARSING).body.flatMap((node) => {
    if (node.type === "VariableDeclaration") return node.declarations.flatMap(({ id }) => namesIn(id));
    return node.id ? [node.id.name] : [];
  });
}

const declared = Object.fromEntries(files.map((name) => [name, topLevelNames(texts[name])]));

const others = (name) => files.filter((other) => other !== name);
const usedElsewhere = (word, name) => others(name).some((other) => new RegExp(`\\b${word}\\b`).test(texts[other]));

function forFile(name) {
  const shared = declared[name].filter((word) => usedElsewhere(word, name));
  const borrowed = others(name).flatMap((other) => declared[other]);
  return {
    files: [`${FOLDER}/${name}`],
    languageOptions: { ...PARSING, globals: Object.fromEntries(borrowed.map((word) => [word, "writable"])) },
    rules: { "no-unused-vars": ["error", { varsIgnorePattern: `^(${shared.join("|")})$` }] },
  };
}

export default [
  {
    ...js.configs.recommended,
    files: [`${FOLDER}/*.js`],
    languageOptions: { ...PARSING, globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      ...js.configs.recommended.rules,
      ...Object.fromEntries(STRICTER.map((rule) => [rule, "error"])),
    },
  },
  ...files.map(forFile),
];
