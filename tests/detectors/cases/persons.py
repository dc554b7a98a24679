"""Cases of phones, addresses of machines, dates of birth, positions, documents and cards' codes.

All made up: phone numbers count up or are an office's, public addresses are those of open resolvers,
documents are specimens.
"""

from tests.detectors.cases import Case


def no(name: str, text: str, path: str = "") -> Case:
    return Case(name, text, (), path=path)


def nobodys(name: str, text: str, path: str = "") -> Case:
    return Case(name, text, ("not_personal",), path=path)


PHONE = [
    Case("E.164", "+4915112345678"),
    Case("in a sentence", "call +49 1511 2345678 now"),
    Case("trunk zero in brackets", "+49 (0) 431 5550173"),
    Case("country in brackets", "(+41) 22 730 5989"),
    Case("dots", "tel. +33.6.12.34.56.78."),
    Case("dashes", "+1-212-736-5000"),
    Case("percent", "tel=%2B4915112345678", ("encoded",), "percent"),
    Case("JSON escape", '{"p":"\\u002b4915112345678"}', ("encoded",), "backslash"),
    Case("JSON in a string", '{\\"phone\\":\\"+4915112345678\\"}'),
    Case("double zero in a field", "0049 151 12345678", path="user.phone"),
    Case("double zero beside a word", "phone 004915112345678"),
    Case("two", "+4915112345678, +4915112345679", ("raw", "raw")),
    Case("a number behind", "+4915112345678 36 starting"),
    Case("a time behind", "+4915112345678 20:54:33"),
    nobodys("film, North America", "+1 202 555 0123"),
    nobodys("film, United Kingdom", "+44 7700 900123"),
    nobodys("film, Germany", "+49 30 23125 123"),
    nobodys("freephone", "+1 800 736 5000"),
    no("double zero alone", "id 004915112345678"),
    no("no such country", "+9991234567890"),
    no("too short", "+4915112"),
    no("offset", "10:00:00 +0100"),
    no("sum", "a+4915112345678"),
    no("longer", "+491511234567890123456789"),
    no("diff", "@@ -1,7 +12345,8 @@"),
]

PHONE_NATIONAL = [
    Case("field", "0151 12345678", path="user.mobile"),
    Case("camel case", "015112345678", path="mobilePhone"),
    Case("word before", "Telefon: 0431 / 5550173"),
    Case("brackets", "phone: (212) 736-5000"),
    Case("word after", "0612345678 (fax)"),
    Case("as a JSON number", '{"phone":612345678}'),
    no("alone", "0151 12345678"),
    no("date", "phone updated 2026-11-16"),
    no("epoch", "phone call at 1763287200"),
    no("nowhere", "phone 0000000000"),
    no("address", "phone at 203.0.113.70"),
]

IP = [
    Case("field", "8.8.8.8", path="source.ip"),
    Case("word", "Accepted publickey from 208.67.222.222 port 4242"),
    Case("beginning of an access line", '208.67.222.222 - - [16/Nov/2026:08:00:00 +0000] "GET / HTTP/1.1"'),
    Case("port", "upstream 208.67.222.222:443"),
    Case("URL", "http://208.67.222.222/x"),
    Case("after a host name", "broker1/208.67.222.222:9092"),
    Case("IPv6", "2001:4860:4860::8888"),
    Case("IPv6 whole", "2001:4860:4860:0000:0000:0000:0000:8888"),
    Case("IPv6 in brackets", "[2001:4860:4860::8888]:443"),
    Case("IPv4 in IPv6", "::ffff:208.67.222.222"),
    Case("truncated", "208.67.222.0", ("masked",), path="ip_truncated"),
    Case("truncated IPv6", "2001:4860:4860::", ("masked",), path="ip.anonymized"),
    Case("said to be truncated and is not", "208.67.222.222", path="ip_truncated"),
    nobodys("private", "10.1.2.3"),
    nobodys("loopback", "127.0.0.1"),
    nobodys("documentation", "203.0.113.7"),
    nobodys("IPv6 loopback", "::1"),
    nobodys("IPv6 link-local", "fe80::204:61ff:fe9d:f156"),
    nobodys("IPv6 documentation", "2001:db8::1"),
    no("version", "version 85.0.12.7"),
    no("product", "Chrome/120.0.0.0 Safari/537.36"),
    no("small numbers", "libfoo 1.2.3.4"),
    no("network", "allow 208.67.222.0/24"),
    no("too large", "208.67.300.222"),
    no("five parts", "1.208.67.222.222"),
    no("OID", "1.3.6.1.4.1.208.67"),
    no("time", "10:20:30.123"),
    no("C++", "std::vector Foo::Bar a::b"),
    no("hardware address", "3c:22:fb:12:34:56"),
]

MAC = [
    Case("colons", "wlan0: associated 3c:22:fb:12:34:56"),
    Case("dashes", "3C-22-FB-12-34-56"),
    Case("field", "3c22.fb12.3456", path="device.mac"),
    nobodys("broadcast", "ff:ff:ff:ff:ff:ff"),
    nobodys("zeros", "00:00:00:00:00:00"),
    nobodys("documentation", "00:00:5e:00:53:af"),
    nobodys("container", "02:42:ac:11:00:02"),
    no("fingerprint", "SHA1 3c:22:fb:12:34:56:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77"),
    no("mixed", "3c:22-fb:12-34:56"),
    no("dots without a word", "3c22.fb12.3456"),
    no("no hex", "3c:22:fb:12:34:5g"),
]

DATE_OF_BIRTH = [
    Case("field", "1980-02-29", path="user.birthDate"),
    Case("field, German", "29.02.1980", path="geburtsdatum"),
    Case("field, compact", "19800229", path="dob"),
    Case("field, with time", "1980-02-29T00:00:00Z", path="date_of_birth"),
    Case("word", "born 1980-02-29 in Kiel"),
    Case("slashes", "My date of birth is 17/06/1976."),
    Case("slashes, month first", "born on 11/22/1972"),
    Case("spelt", "The claimant's d.o.b. is 4 June 1976"),
    Case("spelt, month first", "DOB: June 4, 1976"),
    Case("abbreviated", "my date of birth is 22-nov-1972"),
    Case("word after", "1985-01-02 is my birthday"),
    Case("JSON in a string", '{\\"dob\\":\\"1980-02-29\\"}'),
    nobodys("placeholder", "1900-01-01", "user.dob"),
    no("another date", "created 1980-02-29"),
    no("no day", "born 1981-02-29"),
    no("compact in a text", "born 19800229"),
    no("far word", "born" + " " * 40 + "1980-02-29"),
    no("future", "2080-02-29", "dob"),
    no("part of a number", "born 11980-02-29"),
]

GEO = [
    Case("latitude", "52.520008", path="user.location.lat"),
    Case("longitude", "-0.127758", path="geo.longitude"),
    Case("pair", "gps 52.520008,13.404954"),
    Case("query", "/near?lat=52.520008&lon=13.404954", ("raw", "raw")),
    Case("JSON in a string", '{\\"lat\\":52.520008,\\"lng\\":13.404954}', ("raw", "raw")),
    Case("point", "POINT(13.404954 52.520008)"),
    nobodys("null island", "0.000000", "lat"),
    no("coarse", "52.52", "lat"),
    no("durations", "took 0.123456,3.456789 s"),
    no("latency", "latency=52.520008"),
    no("too large", "lat=252.520008"),
    no("other field", "52.520008", "duration"),
]

MRZ = [
    Case("passport", "ZE000509<9CAN8501019F2301147<<<<<<<<<<<<<<08"),
    Case(
        "after the name",
        "P<CANMARTIN<<SARAH<<<<<<<<<<<<<<<<<<<<<<<<<<<<\nZE000509<9CAN8501019F2301147<<<<<<<<<<<<<<08",
    ),
    Case("card", "8501019F2301147CAN<<<<<<<<<<<4"),
    nobodys("specimen", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"),
    no("birth spoilt", "ZE000509<9CAN8501018F2301147<<<<<<<<<<<<<<08"),
    no("no day", "ZE000509<9CAN8513011F2301147<<<<<<<<<<<<<<08"),
    no("longer", "AZE000509<9CAN8501019F2301147<<<<<<<<<<<<<<08"),
]

CVV = [
    Case("field", "737", path="payment.cvv"),
    Case("field, camel case", "7373", path="cardSecurityCode"),
    Case("near a card", "card 4111111111111111 cvv: 737"),
    Case("short name near a card", "pan=4111111111111111&csc=737"),
    Case("alone", "cvc2=737"),
    Case("JSON in a string", '{\\"cvv\\":\\"737\\"}'),
    no("short name without a card", "csc=737"),
    no("longer", "cvv: 73712"),
    no("no digits", "cvv: match"),
    no("other field", "737", "status"),
    no("masked", "***", "payment.cvv"),
]

IMEI = [
    Case("field", "490154203237518", path="device.imei"),
    Case("word", "IMEI 49-015420-323751-8 blocked"),
    no("alone", "490154203237518"),
    no("check digit", "490154203237519", "imei"),
]

EU_VAT_PERSON = [
    Case("Spain, foreigner", "ESX1234567L"),
    Case("Spain, resident", "VAT: ES12345678Z"),
    Case("Spain, child", "ESK0867756N"),
    Case("Netherlands", "NL111222333B01", path="vatId"),
    Case("Bulgaria", "BG7523169263", path="vat"),
    Case("Czechia", "CZ7103192745", path="dic"),
    Case("Ireland", "IE6433435F"),
    Case("Latvia", "LV16117519997"),
    Case("Portugal", "PT123456789"),
    Case("Romania", "RO1630615123457"),
    Case("Sweden", "SE811228987401"),
    no("Spain, company", "ESA13585625"),
    no("Germany", "DE136695976"),
    no("Portugal, company", "PT501964843"),
    no("check digit", "NL111222334B01", "vat"),
]

CASES = {
    "phone": PHONE,
    "phone_national": PHONE_NATIONAL,
    "ip": IP,
    "mac": MAC,
    "date_of_birth": DATE_OF_BIRTH,
    "geo": GEO,
    "mrz": MRZ,
    "cvv": CVV,
    "imei": IMEI,
    "eu_vat_person": EU_VAT_PERSON,
}
