import assert from 'node:assert/strict';
import {
  behindConfig,
  needsStack,
  readArguments,
  stackOf,
  takesLock,
} from '../../../operations/engine/arguments.ts';

const given = (line: string) => readArguments(line.split(' ').filter((word) => word !== ''));

describe('the arguments of Pulumi', () => {
  for (const [line, stack] of [
    ['up --stack prod', 'prod'],
    ['-s prod up', 'prod'],
    ['up --stack=prod', 'prod'],
    ['destroy -sprod', 'prod'],
    ['destroy -s=prod', 'prod'],
    ['up -ysprod', 'prod'],
    ['up --stack dev --stack prod', 'prod'],
    ['--stack prod config set --secret a', 'prod'],
    ['stack rm prod --yes', 'prod'],
    ['cancel prod --yes', 'prod'],
    ['up', undefined],
    ['stack output prod', undefined],
    ['up -m --stack=prod', undefined],
    ['config set a -- --stack=prod', undefined],
  ] as const) {
    it(`stack of "${line}": ${stack ?? 'not named'}`, () =>
      assert.equal(stackOf(given(line)), stack));
  }

  for (const line of [
    'config set image x',
    'config --stack dev set image x',
    '--stack dev config set image x',
    '-v 3 config set image x',
    '--color never -C . --logflow config --config-file f set image x',
    'config set image -- x',
  ]) {
    it(`finds the command in: ${line}`, () =>
      assert.deepEqual(behindConfig(given(line), 'set'), ['image', 'x']));
  }

  it('takes no other command for config set', () => {
    for (const line of ['config get set', 'config cp set', 'config', 'stack tag set a b'])
      assert.equal(behindConfig(given(line), 'set'), undefined, line);
  });

  for (const line of [
    'up',
    'down --yes',
    'pre',
    'config',
    'config env ls',
    '--stack dev config get image',
    'stack',
    'stack output --json',
    'stack export --version 3',
    'stack rm dev',
    'stack tag ls',
    'state unprotect --all',
    'state mv urn --dest b',
    'import random:index/randomId:RandomId a b',
    'policy analyze',
    'refresh',
    'watch',
  ]) {
    it(`needs a stack: ${line}`, () => assert.equal(needsStack(given(line)), true));
  }

  for (const line of [
    '',
    '--help',
    '-h',
    'up --help',
    'up -yh',
    'config set -h',
    'help up',
    '--version',
    'version',
    'whoami -v',
    'login file:///x',
    'logout',
    'about',
    'gen-completion bash',
    'completion zsh',
    'org get-default',
    'plugin ls',
    'policy ls',
    'new typescript',
    'env ls',
    'schema check x',
    'package add x',
    'convert --from yaml',
    'install',
    'template ls',
    'project ls',
    'neo hello',
    'api list',
    'insights account list',
    'stack ls',
    'stack init b',
    'stack select b',
    'stack unselect',
    'stack migrate file://~ b',
    'a-command-of-a-later-pulumi',
  ]) {
    it(`needs none: ${line || 'nothing'}`, () => assert.equal(needsStack(given(line)), false));
  }

  it('knows which commands take the lock, by their short names too', () => {
    for (const line of ['up', '--color never up', 'update', 'dn', 'down', 'state rm x', 'import'])
      assert.equal(takesLock(given(line)), true, line);
    for (const line of ['preview', 'config', 'stack output', 'cancel', ''])
      assert.equal(takesLock(given(line)), false, line);
  });
});
