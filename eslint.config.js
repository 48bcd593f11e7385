import js from '@eslint/js';
import tseslint from 'typescript-eslint';

// The rooms of src/ and what each may import: docs/architecture.md. test/layers.test.ts plants a violation of every
// rule to see it caught, and looks for cycles.

const NODE = { regex: '^node:', message: 'this folder is pure: text in, data out' };
const BUILTIN = {
  regex: '^(fs|child_process|os|path|net|crypto|process|readline)(/|$)',
  message: 'write node:NAME',
};
const EXECA = { regex: '^execa$', message: 'only run/spawn.ts starts processes' };
const CHALK = { regex: '^(chalk|log-update)$', message: 'only report/ and the root files know colours' };
const PG = { regex: '^pg$', message: 'this folder does not talk to servers' };
const ZOD = { regex: '^(zod|yaml)$', message: 'only cluster/ reads settings' };
const COMMANDER = { regex: '^commander$', message: 'only the root files know the command line' };
const WORLD = {
  regex: '^node:(fs|child_process|net|tls|http|https|dgram|cluster|worker_threads)(/|$)',
  message: 'report/ shows what it is given',
};
const SPAWN = {
  regex: '^node:child_process$',
  message: 'only run/spawn.ts and the password command start processes',
};

/** Imports of these folders of src, from a file in another one. Types are free where `types` says so. */
function folders(names, message, types = false) {
  return { regex: `^\\.\\./(${names.join('|')})/`, message, ...(types ? { allowTypeImports: true } : {}) };
}
/** Imports of files at the root of src, but for those every room may use. */
const ROOT = {
  regex: '^\\.\\./(?!(errors|scram|saslprep)\\.ts$)[^/]+$',
  message: 'root files import the rooms',
};

const PURE = [NODE, BUILTIN, EXECA, CHALK, PG, ZOD, COMMANDER, ROOT];
const NO_WORLD = 'this folder decides and renders, it does nothing';
const ONLY_TYPES = 'of what is there this folder knows only the types';

const ROOMS = {
  tools: [
    ...PURE,
    folders(['run', 'report', 'plan', 'render'], NO_WORLD),
    folders(['facts'], ONLY_TYPES, true),
  ],
  render: [
    ...PURE,
    folders(['run', 'report', 'plan'], NO_WORLD),
    folders(['facts'], ONLY_TYPES, true),
    { regex: '^\\.\\./tools/(?!words\\.ts$)', message: 'render/ knows of tools/ only the words' },
  ],
  facts: [...PURE, folders(['run', 'report', 'plan'], NO_WORLD)],
  plan: [...PURE, folders(['run', 'report'], NO_WORLD)],
  cluster: [
    ...[BUILTIN, EXECA, CHALK, PG, COMMANDER, ROOT],
    folders(['run', 'report', 'plan', 'facts', 'render'], 'cluster/ knows only what is wanted'),
    { regex: '^\\.\\./tools/(?!words\\.ts$)', message: 'cluster/ knows of tools/ only the words' },
  ],
  run: [
    ...[BUILTIN, EXECA, CHALK, ZOD, COMMANDER, ROOT, SPAWN],
    folders(['report'], 'run/ tells what happens as events'),
    { regex: '^\\.\\./plan/(?!plan\\.ts$)', message: 'run/ does plans and makes none' },
  ],
  report: [
    ...[WORLD, BUILTIN, EXECA, PG, ZOD, COMMANDER, ROOT],
    { regex: '^\\.\\./run/(?!host\\.ts$)', message: 'report/ does nothing', allowTypeImports: true },
  ],
};

const imports = (patterns) => ['error', { patterns }];
const IMPORTS = '@typescript-eslint/no-restricted-imports';

const CLOCK = 'the clock, chance and the process are given to a pure function by who calls it';
const IMPURE = {
  'no-restricted-globals': [
    'error',
    ...['process', 'console', 'performance', 'crypto', 'fetch', 'setTimeout', 'setInterval'].map((name) => ({
      name,
      message: CLOCK,
    })),
  ],
  'no-restricted-properties': [
    'error',
    { object: 'Date', property: 'now', message: CLOCK },
    { object: 'Math', property: 'random', message: CLOCK },
  ],
};

const SYNTAX = [
  { selector: 'ExportDefaultDeclaration', message: 'a file exports names' },
  { selector: 'TSEnumDeclaration', message: 'write a union of texts' },
  { selector: 'TSExportAssignment', message: 'a file exports names' },
];
const NEW_DATE = { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: CLOCK };

export default tseslint.config(
  {
    ignores: ['dist/**', '.cache/**', 'coverage/**', '**/node_modules/**', '**/recorded/**', '**/golden/**'],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    rules: {
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      'no-restricted-syntax': ['error', ...SYNTAX],
      eqeqeq: 'error',
    },
  },
  {
    files: ['**/*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        ['process', 'console', 'URL', 'setTimeout'].map((name) => [name, 'readonly']),
      ),
    },
  },
  {
    files: ['src/**/*.ts', 'scripts/**/*.js', 'bin/*.js'],
    rules: { 'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }] },
  },
  {
    files: ['src/**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { allowDefaultCaseForExhaustiveSwitch: false, considerDefaultExhaustiveForUnions: false },
      ],
      [IMPORTS]: imports([BUILTIN, EXECA]),
    },
  },
  ...Object.entries(ROOMS).map(([room, patterns]) => ({
    files: [`src/${room}/**/*.ts`],
    rules: { [IMPORTS]: imports(patterns) },
  })),
  {
    files: ['src/{tools,render,facts,plan}/**/*.ts'],
    rules: { ...IMPURE, 'no-restricted-syntax': ['error', ...SYNTAX, NEW_DATE] },
  },
  {
    // The one place where facts/ asks the world, through run/.
    files: ['src/facts/inspect.ts'],
    rules: {
      [IMPORTS]: imports([
        BUILTIN,
        EXECA,
        CHALK,
        ZOD,
        COMMANDER,
        ROOT,
        folders(['report', 'plan'], NO_WORLD),
      ]),
    },
  },
  {
    files: ['src/run/spawn.ts'],
    rules: { [IMPORTS]: imports(ROOMS.run.filter((pattern) => pattern !== EXECA && pattern !== SPAWN)) },
  },
  {
    // CommonJS, so that it starts soon.
    files: ['bin/*.js'],
    languageOptions: { sourceType: 'commonjs', globals: { require: 'readonly', __dirname: 'readonly' } },
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  {
    files: ['*.config.{js,ts}'],
    rules: { 'no-restricted-syntax': 'off' },
  },
);
