// A certified OpenID provider (npm oidc-provider) with an issuer that has a path.
// One argument: {"port": 9000, "path": "/tenant/a", "clients": [client metadata, ...]}

import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';

import { Provider } from 'oidc-provider';

const { port, path, clients } = JSON.parse(process.argv[2]);

const keys = [
  ['rsa', { modulusLength: 2048 }],
  ['ec', { namedCurve: 'P-256' }],
  ['ed25519', {}],
].map(([kind, options]) => ({
  ...generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }),
  use: 'sig',
}));

const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];

const provider = new Provider(`http://127.0.0.1:${port}${path}`, {
  clients,
  jwks: { keys },
  cookies: { keys: ['only-for-tests'] },
  claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
  enabledJWA: {
    idTokenSigningAlgValues: algorithms,
    userinfoSigningAlgValues: algorithms,
    introspectionSigningAlgValues: algorithms,
    idTokenEncryptionAlgValues: ['ECDH-ES'],
    userinfoEncryptionAlgValues: ['RSA-OAEP-256'],
  },
  features: {
    jwtUserinfo: { enabled: true },
    encryption: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    jwtIntrospection: { enabled: true },
    clientCredentials: { enabled: true },
    // APIs by their identifier (RFC 8707): tokens that say everything themselves (RFC 9068), or nothing.
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_context, resource) => ({
        scope: 'read write',
        accessTokenFormat: resource.endsWith('/opaque') ? 'opaque' : 'jwt',
        jwt: { sign: { alg: resource.endsWith('/es256') ? 'ES256' : 'RS256' } },
      }),
    },
  },
  pkce: { required: () => true },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      name: `${id} ณ ตัวอย่าง`,
      preferred_username: id,
      email: `${id}@people.example`,
      email_verified: true,
    }),
  }),
});

const handle = provider.callback();

createServer((request, response) => {
  if (!request.url.startsWith(`${path}/`)) {
    response.writeHead(404).end();
    return;
  }
  // What a framework does where it mounts an application under a path.
  request.originalUrl = request.url;
  request.url = request.url.slice(path.length);
  handle(request, response);
}).listen(port, '127.0.0.1');
