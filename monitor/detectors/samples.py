"""A text of each class that its detector finds in a field of any name: for tests of proposed rules.

All are made up, or published as examples by those who issue such numbers.
"""

from __future__ import annotations

from typing import Final

SAMPLES: Final[dict[str, str]] = {
    "email": "reset link sent to anna.berg@nordwind-shop.de",
    "iban": "paid from DE89370400440532013000",
    "card": "charged 4111111111111111",
    "cvv": "cvc2=737",
    "phone": "+4915112345678",
    "phone_national": "0612345678 (fax)",
    "ip": "2001:4860:4860::8888",
    "mac": "3C-22-FB-12-34-56",
    "date_of_birth": "DOB: June 4, 1976",
    "geo": "gps 52.520008,13.404954",
    "mrz": "8501019F2301147CAN<<<<<<<<<<<4",
    "de_steuer_id": "steuerId 86095742719",
    "de_rvnr": "rvnr 15070649C103",
    "de_ausweis": "ausweis T220001293",
    "at_svnr": "svnr 1237010180",
    "ch_ahv": "ahv 756.1234.5678.97",
    "fr_nir": "nir 2 95 10 99 126 111 93",
    "be_rrn": "rrn 85.07.30-033.28",
    "nl_bsn": "bsn 111222333",
    "lu_nin": "nin 1893120105732",
    "ie_pps": "pps 1234567T",
    "uk_nino": "nino AB123456C",
    "uk_nhs": "nhs 943 476 5919",
    "us_ssn": "ssn 123-45-6789",
    "us_itin": "itin 912-90-3456",
    "it_codice_fiscale": "codiceFiscale RSSMRA85T10A562S",
    "es_dni": "dni 12345678Z",
    "es_nie": "nie X1234567L",
    "pt_nif": "nif 123456789",
    "gr_amka": "amka 01013099997",
    "mt_id": "id_card_no 1234567M",
    "cy_tic": "tic 00123123T",
    "se_personnummer": "personnummer 811228-9874",
    "fi_hetu": "hetu 131052-308T",
    "no_fnr": "fnr 15108695088",
    "dk_cpr": "cpr 211062-5629",
    "is_kennitala": "kennitala 120174-3399",
    "ee_isikukood": "isikukood 36805280109",
    "lt_asmens_kodas": "asmensKodas 38703181745",
    "lv_personas_kods": "personas_kods 161175-19997",
    "pl_pesel": "pesel 44051401359",
    "cz_sk_rodne_cislo": "rodne_cislo 710319/2745",
    "hu_szemelyi": "szemelyi 1-570406-0015",
    "hu_adoazonosito": "adoazonosito 8071592153",
    "hu_taj": "taj 111 111 110",
    "si_emso": "emso 0101006500006",
    "hr_oib": "oib 33392005961",
    "ro_cnp": "cnp 1630615123457",
    "bg_egn": "egn 7523169263",
    "imei": "device.imei 490154203237518",
    "eu_vat_person": "IE6433435F",
    "api_key": "key=AKIAB7QZ3KX9VLM2TN8R",
    "jwt": (
        "eyJhbGciOiAiSFMyNTYiLCAidHlwIjogIkpXVCJ9.eyJzdWIiOiAiMTciLCAiZXhwIjogMTc2MzI4NzI"
        "wMH0.b7Qz3kX9vLm2Tn8Rf5Wd1Yp6Hc4Js0Gab7Qz3kX9vLm"
    ),
    "private_key": "-----BEGIN OPENSSH PRIVATE KEY-----",
    "basic_auth": "Authorization: Basic YW5uYTpodW50ZXIy",
    "bearer_token": "Authorization: Bearer b7Qz3kX9vLm2Tn8Rf5Wd1Yp6Hc4Js0Ga",
    "password": "Kennwort=hunter2",
    "url_password": "redis://:s3cret@cache1:6379",
    "special_category": "F32.1",
}
"""That of `special_category` counts in a field that is named for one; the others count in any."""
