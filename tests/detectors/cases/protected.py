"""Values that are protected, built from their formats' rules with fixed bytes; and what only looks so."""

import base64
import gzip
import hashlib
import json
import random
import zlib

RNG = random.Random(17)
NAME = "Anna Berg, born 1980-02-29 in Kiel"


def noise(size: int) -> bytes:
    return RNG.randbytes(size)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def fernet(blocks: int = 2, seconds: int = 1_763_287_200, tail: int = 0) -> str:
    data = b"\x80" + seconds.to_bytes(8, "big") + noise(16 + 16 * blocks + 32 + tail)
    return base64.urlsafe_b64encode(data).decode()


KMS_BODY = bytes.fromhex("306806092a864886f70d010706a05b30590201003054") + noise(80)
GOOGLE = b"\x0a\x24\x00" + noise(35) + b"\x12\x40" + noise(64)
JWE_HEADER = b64url(b'{"alg":"RSA-OAEP","enc":"A256GCM"}')
PGP_SESSION_KEY = b"\x85\x01\x0c\x03" + noise(260)
PGP_NEW_FORMAT = b"\xc1\xc0\x4c\x03" + noise(260)
PGCRYPTO = bytes.fromhex("c30d04070302") + noise(60)
CMS = bytes.fromhex("3082011006092a864886f70d010703a0820101") + noise(120)
SIGNED_CMS = bytes.fromhex("3082011006092a864886f70d010702a0820101") + noise(120)
CBC = f"{b64(noise(48))}--{b64(noise(16))}"
CSFLE, QUERYABLE = b"\x02" + noise(70), b"\x0e" + noise(120)
MARKING = b"\x00" + NAME.encode() * 2
SMIME = "MIME-Version: 1.0\nContent-Type: application/pkcs7-mime; smime-type=%s;\n name=smime.p7m\n\n%s\n"
LARAVEL = {"iv": b64(noise(16)), "value": b64(noise(32)), "mac": noise(32).hex(), "tag": ""}

ENCRYPTED = {
    "fernet": [fernet(), fernet(7)],
    "vault_transit": [f"vault:v1:{b64(noise(45))}", f"vault:v12:{b64(noise(90))}"],
    "aws_kms": [
        b64(b"\x01\x02\x02\x00" + noise(36) + KMS_BODY),
        b64(b"\x01\x01\x02\x00" + noise(36) + KMS_BODY),
    ],
    "aws_encryption_sdk": [
        b64(bytes.fromhex(h) + noise(120)) for h in ("01800378", "01800114", "020578", "020478")
    ],
    "google_kms": [b64(GOOGLE), b64(b"\x0a\x24\x00" + noise(35) + b"\x12\xc8\x01" + noise(200))],
    "jwe": [".".join([JWE_HEADER, *(b64url(noise(n)) for n in (256, 12, 40, 16))])],
    "json_envelope": [
        json.dumps({"protected": "e30", "iv": "aXY", "ciphertext": "Y3Q", "tag": "dGFn"}),
        json.dumps({"p": b64(noise(20)), "h": {"iv": b64(noise(12)), "at": b64(noise(16))}}),
        json.dumps(
            {"encrypted_data": b64(noise(48)), "iv": b64(noise(12)), "version": 3, "cipher": "aes-256-gcm"}
        ),
        json.dumps({"$binary": {"base64": b64(b"\x01" + noise(70)), "subType": "06"}}),
        json.dumps({"$binary": b64(QUERYABLE), "$type": "06"}),
    ],
    "armor": [
        f"-----BEGIN PGP MESSAGE-----\n\n{b64(PGP_SESSION_KEY)}\n=a1B2\n-----END PGP MESSAGE-----",
        f"-----BEGIN AGE ENCRYPTED FILE-----\n{b64(noise(120))}\n-----END AGE ENCRYPTED FILE-----",
        f"-----BEGIN PKCS7-----\n{b64(CMS)}\n-----END PKCS7-----",
    ],
    "openpgp": [b64(PGP_SESSION_KEY), b64(PGP_NEW_FORMAT), b64(PGCRYPTO), f"\\x{PGCRYPTO.hex()}"],
    "cms": [b64(CMS)],
    "age": [
        "age-encryption.org/v1\n-> X25519 abc\nxyz\n--- mac\n",
        b64(b"age-encryption.org/v1\n-> X25519 " + noise(60)),
    ],
    "sops": ["ENC[AES256_GCM,data:p673w==,iv:YY=,tag:UQ=,type:str]"],
    "ansible_vault": [f"$ANSIBLE_VAULT;1.1;AES256\n{noise(40).hex()}\n{noise(40).hex()}"],
    "eyaml": [f"ENC[PKCS7,{b64(noise(128))}]"],
    "kubernetes": ["k8s:enc:aescbc:v1:key1:" + b64(noise(48))],
    "message_encryptor": [
        "--".join(b64(noise(n)) for n in (40, 12, 16)),
        f"{b64(CBC.encode())}--{noise(20).hex()}",
    ],
    "mongodb": [
        f"Binary({CSFLE!r}, 6)",
        f"Binary({QUERYABLE!r}, 6)",
        f'BinData(6,"{b64(CSFLE)}")',
        f"Binary.createFromBase64('{b64(QUERYABLE)}', 6)",
    ],
    "ciphersweet": [f"brng:{b64url(noise(90))}", f"nacl:{b64url(noise(60))}"],
    "smime": [SMIME % ("enveloped-data", b64(CMS))],
    "cloak": [b64(b"\x01\x0aAES.GCM.V1" + noise(60))],
    "halite": [b64url(b"\x31\x42\x05\x00" + noise(150))],
    "acra": [b64(b'"' * 8 + noise(160))],
    "laravel": [b64(json.dumps(LARAVEL).encode())],
    "defuse": ["def50200" + noise(120).hex()],
    "openssl": [b64(b"Salted__" + noise(40))],
    "aspnet_data_protection": [b64url(b"\x09\xf0\xc9\xf0" + noise(100))],
    "always_encrypted": ["0x01" + noise(64).hex()],
    "jasypt": [f"ENC({b64(noise(32))})"],
    "spring_cipher": ["{cipher}" + noise(48).hex()],
    "paseto_local": [f"v4.local.{b64url(noise(90))}"],
    "iron": [
        f"Fe26.2**{noise(32).hex()}*{b64url(noise(16))}*{b64url(noise(64))}**{noise(32).hex()}*{b64url(noise(32))}"
    ],
}

HASHED = [
    "$2b$12$" + "R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
    "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21l$" + b64(noise(32)).rstrip("="),
    "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$" + b64(noise(32)).rstrip("="),
    "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$" + "a" * 43,
    "$6$rounds=5000$saltstring$" + "b" * 86,
    "$5$saltstring$" + "c" * 43,
    "pbkdf2_sha256$600000$salt$" + b64(noise(32)),
    "pbkdf2:sha256:260000$salt$" + noise(32).hex(),
    f"SCRAM-SHA-256$4096:{b64(noise(16))}${b64(noise(32))}:{b64(noise(32))}",
    "{SSHA}" + b64(noise(28)),
    "hmac-sha256:" + noise(32).hex(),
    "argon2$argon2id$v=19$m=102400,t=2,p=8$c29tZXNhbHRzb21l$" + b64(noise(32)).rstrip("="),
    "scrypt$16384$c29tZXNhbHQ$8$1$" + b64(noise(64)),
    "scrypt:32768:8:1$somesalt$" + noise(64).hex(),
    "$P$B" + "a1" * 15,
    "$S$D" + "b2" * 25 + "c",
    b64(bytes.fromhex("0100000001000027100000001000")[:13] + noise(48)),
    "{CRYPT}$6$saltstring$" + "b" * 86,
]

HASHED_WEAK = [
    hashlib.md5(NAME.encode()).hexdigest(),
    hashlib.md5(NAME.encode()).hexdigest().upper(),
    hashlib.sha1(NAME.encode()).hexdigest(),
    "sha256:" + hashlib.sha256(NAME.encode()).hexdigest(),
    "md5" + hashlib.md5(NAME.encode()).hexdigest(),
    "*" + hashlib.sha1(NAME.encode()).hexdigest().upper(),
    "$1$salt$" + "d" * 22,
    "{SHA}" + b64(hashlib.sha1(NAME.encode()).digest()),
]

PSEUDONYMISED = [
    "tok_8f3Kd92Lm0",
    "<pseudonym:8f3ad92b>",
    "[token:81aa-93]",
    "EMAIL_TOKEN(36):AQy3kT9f0s1Jm2==",
    "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "urn:uuid:3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "5f4dcc3b5aa765d61d8327deb882cf99@nordwind-shop.de",
]

MASKED = [
    "*",
    "**",
    "***",
    "********",
    "[REDACTED]",
    "<redacted>",
    "[FILTERED]",
    "REDACTED",
    "<EMAIL_ADDRESS>",
    "[PERSON_1]",
    "{{PHONE}}",
    "XXXX-1234",
    "XXX-XX-1234",
    "411111******1111",
    "**** **** **** 1111",
    "DE** **** **** **** **30 00",
    "a***@nordwind-shop.de",
    "A**** B***",
    "\u2022\u2022\u2022\u20221234",
]

OPAQUE = [b64(noise(16)), b64(noise(48)), b64url(noise(90)), noise(24).hex(), noise(32).hex()]

HEADER = b64url(b'{"alg":"HS256","typ":"JWT"}')
PAYLOAD = json.dumps({"sub": "17", "name": NAME}).encode()
ENCODED = {
    "base64": b64(NAME.encode()),
    "base64url": b64url(NAME.encode()),
    "hex": NAME.encode().hex(),
    "percent": "Anna%20Berg%2C%20Kiel",
    "gzip": b64(gzip.compress(NAME.encode() * 3, mtime=0)),
    "zlib": b64(zlib.compress(NAME.encode() * 3)),
    "JWT": f"{HEADER}.{b64url(PAYLOAD)}.{b64url(noise(32))}",
    "signed cookie of Rails": f"{b64(PAYLOAD)}--{noise(20).hex()}",
    "signed cookie of itsdangerous": f"{b64url(PAYLOAD)}.aRmXYw.{b64url(noise(20))}",
    "signed cookie of Django": f"{b64url(PAYLOAD)}:1tLxyz:{b64url(noise(32))}",
    "PASETO public": f"v4.public.{b64url(PAYLOAD)}",
    "e-mail in base64": b64(b"anna.berg@nordwind-shop.de"),
    "Avro": b64(b"Obj\x01" + noise(40)),
}

# A prefix alone, a wrong length, another type: none of these is an envelope.
NOT_ENCRYPTED = [
    fernet(tail=3),
    fernet(seconds=17),
    "vault:v1:abc",
    "vault:v1",
    "vault:secret/data/shop",
    "ENC(abc)",
    "ENC[PKCS7]",
    "k8s:enc:",
    "v4.public.abc",
    "{cipher}",
    "def50200",
    "0x0102",
    ".".join([b64url(b'{"alg":"none"}'), *(b64url(noise(9)) for _ in range(4))]),
    f"-----BEGIN PKCS7-----\n{b64(SIGNED_CMS)}\n-----END PKCS7-----",
    "-----BEGIN PGP MESSAGE-----\n\nshort\n-----END PGP MESSAGE-----",
    b64(SIGNED_CMS),
    b64(b"\x0a\x24\x00" + noise(35) + b"\x12\x41" + noise(64)),
    "--".join(b64(noise(n)) for n in (40, 11, 16)),
    json.dumps({"$binary": {"base64": b64(b"\x00" + NAME.encode() * 2), "subType": "06"}}),
    json.dumps({"iv": 1, "ciphertext": None, "tag": []}),
    '{"p": "x", "h": 3}',
    f"Binary({MARKING!r}, 6)",
    f"Binary({CSFLE!r}, 0)",
    f'BinData(6,"{b64(MARKING)}")',
    json.dumps({"$binary": {"base64": b64(b"\x03" + NAME.encode() * 2), "subType": "06"}}),
    f"{b64(f'{b64(noise(48))}--{b64(noise(12))}'.encode())}--{noise(20).hex()}",
    f"{b64(f'{b64(noise(41))}--{b64(noise(16))}'.encode())}--{noise(20).hex()}",
    SMIME % ("signed-data", b64(SIGNED_CMS)),
    SMIME % ("enveloped-data", b64(SIGNED_CMS)),
    "brng:abc",
    b64(b"\x01\x0aAES.GCM.V1" + noise(20)),
    b64url(b"\x31\x42\x05\x00" + noise(40)),
    b64(b'"' * 8 + noise(60)),
    "{" * 5_000,
    "[" * 100_000,
]

UNKNOWN = [
    "Anna Berg",
    "hunter2",
    "1980-02-29",
    "diabetes mellitus type 2",
    "Max_Mustermann_12345678",
    "CorrectHorseBatteryStaple1",
    "MaximilianMustermannsen",
    "Main Street 12, Apt 4, NYC 10001",
    "Main-Street-12-Apt-4-NYC-10001",
    "123456789012345678901234",
    "+49 431 5550173",
    "O negative",
    "xx",
    "user",
]

ABSENT = [None, "", "  ", "null", "None", "-", "N/A", "undefined", "{}", "[]", "(null)", "<nil>", "\\N"]
