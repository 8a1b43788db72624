import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Only src/host touches the machine; this is what "touching" means. */
const machine = ['node:fs', 'node:fs/promises', 'node:net', 'node:child_process', 'node:os', 'execa', 'ffi-rs'];

export default tseslint.config(
  { ignores: ['dist', 'coverage', 'node_modules', 'src/model/generated', 'test/fixtures', 'test/golden'] },
  js.configs.recommended,
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        structuredClone: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        setImmediate: 'readonly',
        Buffer: 'readonly',
        performance: 'readonly',
      },
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/dot-notation': 'off',
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      'no-console': 'error',
      'no-control-regex': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/host/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: machine.map((name) => ({ name, message: 'Only src/host/ touches the machine.' })) },
      ],
      'no-restricted-globals': ['error', { name: 'process', message: 'The library never reads process; bin.ts does.' }],
    },
  },
  { files: ['src/bin.ts'], rules: { 'no-restricted-globals': 'off' } },
  { files: ['test/**/*.ts'], rules: { 'no-console': 'off', '@typescript-eslint/no-non-null-assertion': 'off' } },
);
