/** Rules for what is no secret of the catalog and opens one: keys, tokens, passphrases, kubeconfigs. */
import { assigned, type Rule } from './rule.ts';

const word = '(?:^|[^A-Za-z0-9_-])';
const words = ['^[A-Za-z_.:/-]+$', '^[A-Za-z_.]+\\('];
/** A line feed or a blank, also as JSON writes it, once or twice. */
const gap = '(?:\\s|\\\\+[nr])';
const labels = ['', 'RSA ', 'EC ', 'DSA ', 'OPENSSH ', 'ENCRYPTED '];

/** How base64 of a PEM with a private key begins, as far as the label alone decides it. */
function encodedBeginnings(): readonly string[] {
  return labels.map((label) => {
    const begin = Buffer.from(`-----BEGIN ${label}${['PRIVATE', 'KEY'].join(' ')}`);
    return begin.toString('base64').slice(0, Math.floor((begin.length * 4) / 3));
  });
}

function token(id: string, description: string, form: string, keyword: string): Rule {
  return {
    id,
    description,
    regex: `${word}(${form})(?:[^A-Za-z0-9_-]|$)`,
    keywords: [keyword],
    entropy: 2.5,
    distinct: true,
  };
}

export function ownRules(): readonly Rule[] {
  return [
    {
      id: 'private-key',
      description: 'private key, as PEM or OpenPGP, also with escaped line feeds',
      regex: `-----BEGIN [A-Z0-9 ]{0,40}${['PRIVATE', 'KEY'].join(' ')}(?: BLOCK)?-----${gap}{1,9}(?:[A-Za-z-]{3,20}: [^\\n\\\\]{1,80}${gap}{1,9}){0,4}((?:[A-Za-z0-9+/=]|${gap}){60,})`,
      keywords: ['-----begin'],
      entropy: 3.5,
      distinct: true,
    },
    {
      id: 'private-key-in-base64',
      description: 'private key, as base64 of a PEM',
      regex: `((?:${encodedBeginnings().join('|')})[A-Za-z0-9+/=]{80,})`,
      keywords: ['ls0tls1crudjti'],
      distinct: true,
    },
    {
      id: 'age-private-key',
      description: 'private key of age, which opens what SOPS has encrypted',
      regex: 'AGE-SECRET-KEY-(?:PQ-)?1[02-9AC-HJ-NP-Z]{50,}',
      anyCase: true,
      keywords: ['age-secret-key-'],
      distinct: true,
    },
    {
      id: 'age-private-key-in-base64',
      description: 'private key of age, as base64',
      regex: '(QUdFLVNFQ1JFVC1LRVkt[A-Za-z0-9+/=]{60,})',
      keywords: ['qudflvnfq1jfvc1lrvkt'],
      distinct: true,
    },
    {
      id: 'kubeconfig',
      description: 'key or token of a kubeconfig',
      regex: assigned('client-key-data|id-token|refresh-token', '[A-Za-z0-9+/=._-]{32,}'),
      keywords: ['client-key-data', 'id-token', 'refresh-token'],
      entropy: 3,
      distinct: false,
    },
    {
      id: 'passphrase',
      description: 'passphrase of a stack, a keystore or a wallet',
      regex: assigned(
        'PULUMI_CONFIG_PASSPHRASE|CONFIG_PASSWORD|HBOT_PASSWORD|[A-Za-z_]{0,20}PASSPHRASE|SOPS_AGE_KEY',
        '[^\\s"\'`\\\\;,|][^\\s"\'`\\\\;,]{5,}',
      ),
      keywords: ['passphrase', 'config_password', 'hbot_password', 'sops_age_key'],
      entropy: 2.5,
      allow: words,
      distinct: false,
    },
    {
      id: 'wallet-key',
      description: 'private key of a wallet, 32 bytes in hex',
      regex: assigned('[A-Za-z0-9_]{0,30}(?:private|wallet)[_-]?key', '(?:0x)?[0-9a-f]{64}'),
      anyCase: true,
      keywords: ['private', 'wallet'],
      entropy: 3,
      distinct: false,
    },
    {
      id: 'password-in-url',
      description: 'URL with a user and a password, such as DATABASE_URL',
      regex: '[a-z][a-z0-9+.-]{1,20}://[^\\s/:@"\'`<>{}()$]{0,64}:([^\\s/@"\'`<>{}()$]{6,256})@',
      anyCase: true,
      keywords: ['://'],
      entropy: 2.5,
      allow: words,
      distinct: false,
    },
    {
      id: 'aws-secret-access-key',
      description: 'secret access key of AWS, by its name',
      regex: assigned('aws[_-]?(?:secret|session)[A-Za-z_-]{0,20}', '[A-Za-z0-9/+=]{40,}'),
      anyCase: true,
      keywords: ['aws'],
      entropy: 3.5,
      distinct: false,
    },
    {
      id: 'json-web-token',
      description: 'JSON Web Token, as of a service account',
      regex: `${word}(eyJ[A-Za-z0-9_-]{16,}\\.eyJ[A-Za-z0-9_-]{16,}\\.[A-Za-z0-9_-]{16,})`,
      keywords: ['eyj'],
      entropy: 3.5,
      distinct: true,
    },
    token('aws-access-key', 'access key id of AWS', '(?:AKIA|ASIA)[A-Z2-7]{16}', 'a'),
    token('vault-token', 'token of Vault', 'hv[bsr]\\.[A-Za-z0-9_-]{24,512}', 'hv'),
    token(
      'swarm-token',
      'token to join a swarm',
      'SWMTKN-1-[a-z0-9]{40,60}-[a-z0-9]{20,30}',
      'swmtkn',
    ),
    token(
      'swarm-unlock-key',
      'key that unlocks a swarm',
      'SWMKEY-1-[A-Za-z0-9+/]{40,50}',
      'swmkey',
    ),
    token('grafana-token', 'token of Grafana', 'gl(?:sa|c)_[A-Za-z0-9+/=_-]{32,400}', 'gl'),
    token('slack-token', 'token of Slack', 'xox[abeprs]-[A-Za-z0-9-]{20,250}', 'xox'),
    token('pulumi-token', 'access token of Pulumi Cloud', 'pul-[0-9a-f]{40}', 'pul-'),
    token('npm-token', 'token of npm', 'npm_[A-Za-z0-9]{36}', 'npm_'),
    token(
      'github-token',
      'token of GitHub',
      '(?:gh[opsur]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,255})',
      'g',
    ),
  ];
}
