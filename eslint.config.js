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

const UP = '^\\.\\./';

/**
 * What a room may import of src: these folders or files, only the types of others, and errors.ts, which is
 * everybody's. All else is another room's business.
 */
function only(rooms, { types = [], because }) {
  const escaped = (paths) => paths.map((path) => path.replace('.', '\\.')).join('|');
  return [
    { regex: `${UP}(?!errors\\.ts$|${escaped([...rooms, ...types])})`, message: because },
    ...(types.length === 0
      ? []
      : [
          {
            regex: `${UP}(${escaped(types)})`,
            message: `${because}; types are free`,
            allowTypeImports: true,
          },
        ]),
  ];
}

/** The same for a folder inside of the room: what is one up is the room itself. */
function aFloorUp(pattern) {
  return pattern.regex.startsWith(UP)
    ? { ...pattern, regex: pattern.regex.replace(UP, `${UP}\\.\\./`) }
    : pattern;
}

const PURE = [NODE, BUILTIN, EXECA, CHALK, PG, ZOD, COMMANDER];
const THROUGH_RUN = [
  { ...NODE, regex: '^node:(?!crypto$|os$)', message: 'this folder asks the world through run/' },
  ...[BUILTIN, EXECA, CHALK, PG, ZOD, COMMANDER],
];
const KNOWLEDGE = ['cluster/', 'tools/', 'render/', 'facts/'];

const ROOMS = {
  tools: [...PURE, ...only(['cluster/'], { types: ['facts/'], because: 'tools/ words commands, no more' })],
  render: [...PURE, ...only(['cluster/', 'tools/words.ts'], { because: 'render/ writes texts, no more' })],
  facts: [...PURE, ...only(['cluster/', 'render/'], { because: 'facts/ reads answers, no more' })],
  plan: [...PURE, ...only(KNOWLEDGE, { because: 'plan/ decides, and does nothing' })],
  doctor: [
    ...PURE,
    ...only([...KNOWLEDGE, 'plan/', 'report/'], { because: 'doctor/ judges, and asks nothing' }),
  ],
  cluster: [
    ...[BUILTIN, EXECA, CHALK, PG, COMMANDER],
    ...only(['tools/words.ts'], { because: 'cluster/ knows only what is wanted' }),
  ],
  secrets: [
    ...[{ ...NODE, regex: '^node:(?!crypto$)' }, BUILTIN, EXECA, CHALK, PG, ZOD, COMMANDER],
    ...only(['tools/words.ts'], { because: 'secrets/ reckons, no more' }),
  ],
  run: [
    ...[BUILTIN, EXECA, CHALK, PG, ZOD, COMMANDER, SPAWN],
    ...only([...KNOWLEDGE, 'plan/plan.ts'], { because: 'run/ does plans, makes none, and tells events' }),
  ],
  report: [
    ...[WORLD, BUILTIN, EXECA, PG, ZOD, COMMANDER],
    ...only([...KNOWLEDGE, 'plan/'], {
      types: ['run/'],
      because: 'report/ shows what it is given',
    }),
  ],
  ask: [
    ...THROUGH_RUN,
    ...only([...KNOWLEDGE, 'secrets/', 'plan/', 'run/'], {
      types: ['doctor/'],
      because: 'ask/ brings answers to who plans',
    }),
  ],
  observe: [
    ...THROUGH_RUN,
    ...only([...KNOWLEDGE, 'plan/', 'run/', 'report/'], { because: 'observe/ looks, and changes nothing' }),
  ],
  operate: [
    ...THROUGH_RUN,
    ...only([...KNOWLEDGE, 'plan/', 'run/', 'observe/'], {
      types: ['report/'],
      because: 'operate/ knows no verb, and talks by way of who calls it',
    }),
  ],
  verbs: [BUILTIN, EXECA, COMMANDER, SPAWN],
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
  ...Object.entries(ROOMS).flatMap(([room, patterns]) => [
    { files: [`src/${room}/*.ts`], rules: { [IMPORTS]: imports(patterns) } },
    { files: [`src/${room}/*/*.ts`], rules: { [IMPORTS]: imports(patterns.map(aFloorUp)) } },
  ]),
  {
    files: ['src/{tools,render,facts,plan,doctor}/**/*.ts'],
    rules: { ...IMPURE, 'no-restricted-syntax': ['error', ...SYNTAX, NEW_DATE] },
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
