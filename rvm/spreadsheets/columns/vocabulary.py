"""Vocabulary of the names of columns: words in English and Spanish, and abbreviations of software, by their meanings.

A word may have several meanings. A word that is not listed has none, and nothing is guessed from it. Words are folded: they are in
lower case, without accents and punctuation.
"""

from __future__ import annotations

from collections import defaultdict

_MEANINGS = """
phone: phone phones phn phns ph telephone telephones tele tel tels telno tlf tlfno tfno telefon telefono telefonos telefone fon fono
phone: rufnummer telefonnummer landline fijo
mobile: mobile mobiles mob mobil movil moviles cell cells cel cellular celular celulares celu handy handynummer msisdn smartphone
mobile: wireless
mobile: portable gsm c m
home: home h hm hme particular casa haus privat house hogar domicilio residence residential residencia res
work: work w wk wrk business bus biz trabajo trab laboral
daytime: day daytime evening eve night dia noche tarde
second: secondary second sec 2nd secundario secundaria third tertiary 3rd
alternate: alternate alt altern alternative other oth otro otra alterno alternativo adicional additional addl extra backup
primary: primary prim 1st main principal preferred pref prefd preferido preferida best mejor default first current legal
number: number numbers numb num nbr nr nummer numero numeros
plain: formatted clean full complete completo completa international e164 destination to value
person: patient patients pt pts pat client clients member customer person recipient subject self own my your you their his her
person: paciente pacientes cliente personal individual respondent
contact: contact contacts contacto contactos contactar contacted contacting ctct cntct
other: emergency emergencia emergencias emerg emergcy emer emr emrg emerge ice ec guarantor guarantors guar guarant grntr garante
other: responsible responsable resp rp party spouse spouses sps spous wife husband partner esposo esposa conyuge pareja kin nok
other: relative relation relationship rel parentesco parentezco familiar pariente friend amigo amiga neighbor neighbour
other: caregiver carer cuidador cuidadora
other: caretaker aide sister brother son daughter child hermano hermana hijo hija aunt uncle grandmother grandfather sibling
other: roommate
other: employer emplr empl empleador company org organization provider providers prov pcp physician phys doctor doctors dr doc
other: medico medica doctora md nurse rn attending surgeon specialist referring therapist dentist counselor coordinator manager
other: advisor pharmacy pharm farmacia insurance ins insurer payer payor aseguradora subscriber policyholder carrier clinic clinica
other: practice facility fac hospital hosp department dept location site branch store agency attorney lawyer poa proxy
other: representative school landlord sender caller callback vendor witness interpreter translator cosigner beneficiary plan
other: staff health care healthcare office ofc oficina
guardian: parent parents guardian guardians grdn mother mom mothers father dad fathers madre padre tutor tutora mama papa custodian
from: from
fax: fax facsimile pager beeper tty tdd
former: old former previous prev prior past bad wrong invalid disconnected anterior viejo antiguo equivocado
detail: type types tipo kind label category use usage carrier area verified verify valid validated validity label callback
country: country countries ctry cntry pais nation intl international dialing dialling
code: code codes cd codigo prefix prefijo
extension: extension extensions ext extn xtn exten interno anexo
date: date dates dt dte fecha fec datum timestamp datetime dttm
day: day days weekday dia dias
time: time times tm tme hour hours hora horas zeit slot datetime dttm
id: id ids identifier ident identificacion uid uuid guid key
record: mrn mrns mr medrec record records rec chart charts account accounts acct acctno acc expediente expedientes historia cuenta
record: pid emrid ehrid nhc ficha
visit_number: csn csns fin
medical: medical med clinical clinico electronic emr ehr epic cerner athena
name: name names nm nombre nombres nom
first: first pila fst frst fname fn forename given primer vor prenom vorname
last: last lst lname surname sur family ln apellido apellidos nach nachname
zip: zip zipcode postal post postcode plz postleitzahl cp
state: state st estado province provincia stateprovince
zone: zone timezone tz zeitzone
language: language languages lang langs lng idioma idiomas lengua langue sprache
spoken: spoken speaks
address: address addr mailing mail physical street direccion
reference: reference references ref refs referenz referencia external
appointment: appointment appointments appt appts apptmt cita citas visit vst visita dos encounter
status: status stat sts estatus
confirmed: confirmed confirm confirms conf confirmation cnf cnfm cfm confirmado confirmada confirmar confirmacion
scheduling: sched schedule scheduled scheduling booking filler placer slot sch agenda
disposition: disposition disp dispo
discharge: discharge discharged disch dischg dsch dc ed egreso
birth: birth dob birthdate birthday nacimiento
no: no nao not non dont doesnt didnt wont cant cannot never without sin nunca isnt hasnt donot
permit: ok okay okey may can allow allows allowed permission permissions permit permits permitted perm consent consents consented
permit: consenting cnsnt authorize authorizes authorized authorization auth authorisation authorised agree agrees agreed agreement
permit: accept accepts accepted approve approves approved approval wants want willing subscribed optin contactable callable
permit: enabled enable reachable puede pueden permiso permite permitir permitido autoriza autorizado autorizada autorizacion
permit: autorizar like tcpa wish wishes
permit: consentimiento consiente acepta aceptado aceptar acuerdo aprobado quiere desea
refuse: refuse refuses refused refusal declines decline declined declination denied denies deny reject rejects rejected rejection
refuse: object objects objected objection revoke revokes revoked revocation withdraw withdraws withdrawn withdrew withdrawal stop
refuse: stops stopped block blocks blocked blocklist blocklisted blacklist blacklisted exclude excludes excluded exclusion
refuse: suppress suppressed
refuse: suppression suppressions unsubscribe unsubscribed unsub unsubs optout dnc dncl dnd dnct donotcall donotcontact remove
refuse: removed
refuse: removal prohibit prohibited ban banned forbid forbidden forbids quit unreachable uncontactable rehusa rehuso rechaza rechazo
refuse: rechazado niega negado revocado excluir excluido bloqueado bloquear baja prohibido opposed opposes
either: optinout opt
restrict: restrict restricted restriction restrictions limit limits limitation limitations confidential confidentiality privacy
restrict: private hold holds onhold alert alerts restriccion restricciones privacidad confidencial caution expired expires expire
restrict: expiration expiry exp until hipaa only
preference: preference preferences pref prefs prefer prefers preferred method methods mode preferencia preferencias preferido
preference: preferida metodo modo way ways medio forma
decided: result results outcome outcomes response responses disposition resultado respuesta status
call: call calls called calling dial dials ring ringing robocall robocalls autocall llamar llamada llamadas llame llamen outreach
call: broadcast robo ligar ligacao ligacoes chamada chamadas telefonema
voicemail: rvm ringless drop voicemail voicemails vm vms vmail lvm voice voz buzon answering machine
message: message messages msg msgs msge lm mensaje mensajes recado
leave: leave leaving lv dejar deje send sends receive receives recibir recibe enviar
reach: reach reached communication communications communicate comm comms comunicacion notify notification notifications notified
reach: reminder reminders remind recordatorio recordatorios recordar solicit disturb bother molestar molesten contact contacts
reach: contacto contactar
done: called contacted reached notified reminded robocalled left sent lm lvm dialed attempted spoke
channel: email emails mail letter letters text texts texting txt txts sms mms portal marketing promotional promo survey surveys
channel: newsletter push app correo correos texto textos online whatsapp fundraising research
text: text texts txt sms
canceled: cancel canceled cancelled cancels cancellation cancelation cxl cxld cncl cancelado cancelada cancelacion noshow nsh
rescheduled: rescheduled resched reschedule reschedules reprogramado reprogramada
deceased: deceased decease death dead died decd dod fallecido fallecida fallecimiento difunto difunta muerto muerta muerte defuncion
gone: hospice termed termdate terminated termination disenrolled disenrollment disenroll inactivated inactivation incarcerated
gone: relocated departed dismissed dismissal expelled
vital: vital
alive: alive living vivo viva
filler: do does did should shall will would to for the a an of on at in we us i is are has have had was been be being please pls by
filler: via flag flags flg list lists from yn sn yesno rcvd ser sea contactado llamado voluntaria ivr dialer optional opcional
filler: indicator ind obtained received recd given signed active current currently verbal written express automated
filler: auto automatic prerecorded detailed detail full any all future further more regarding about re s
filler: registry national federal ai lines and or form file de del la el los las al por para en se y con nos le les that if
filler: granted given with details me my i again anymore ever campaign campaigns campana hs lista listas firmo firmado firmada
filler: automatica
filler: automaticas automatico automaticos automatizada automatizadas grabada grabadas what whats cual su
dated: added since entered agregado desde
trail: ip title id browser url
note: note notes comment comments cmt remark remarks memo description desc instruction instructions nota notas comentario
note: comentarios observacion observaciones detalles text body content reason
source: source src basis origin method form fuente origen
reason: reason reasons rsn motivo razon source by
count: count counts attempt attempts tries total qty quantity duration agent user last next
harmless: gender sex sexo genero pronoun pronouns race ethnicity ethnic hispanic latino etnia raza age edad marital married insured
harmless: medicare medicaid copay paid billed deductible seguro tax income new nuevo established returning walkin walk needed smoker
harmless: smoking tobacco diabetic diabetes pregnant allergy allergies vaccinated vaccine vaccination immunized immunization flu
harmless: covid paperwork forms packet stmt statement statements eligible eligibility statin hypertension htn asthma copd chf ckd
harmless: shot booster dose lab labs test tests screening fasting npo wheelchair transport transportation mobility telehealth
harmless: virtual
harmless: video exam procedure surgery medication medications prescription rx refill refills weight height glucose a1c bmi mammogram
harmless: fall falls risk preauth precert balance oxygen walker cane dnr directive livingwill wellness vacuna vacunas vacunado
harmless: vacunada pay dental vision religion religious faith
harmless: transporte interprete fumador embarazada
harmless: colonoscopy student veteran military employed education household dependents middle mi suffix prefix title initial birth
harmless: dob
harmless: birthdate birthday birthplace portal holder arrival checkin arrived interpreter years
matter: insurance ins insurer payer policy coverage copay copays coinsurance deductible balance referral referrals letter letters
matter: statement stmt invoice bill payment auth authorization preauth precert lab labs xray imaging paperwork forms form packet card
matter: cards demographics chart charts record records hipaa npp intake registration questionnaire survey report result results photo
matter: prior pre prep ray carta cartas eligibility benefits benefit seguro autorizacion referido saldo pago tarjeta expediente portal
handled: verified verify required req needed due done sent collected active activated complete completed file signed scanned updated
handled: paid owed owes received reviewed printed mailed faxed uploaded pending submitted outstanding requested obtained notice
handled: packet acknowledgment acknowledgement ack checked entered filed attached current valid eligible needs missing enviado enviada
handled: verificado verificada requerido requerida pagado pagada pendiente recibido recibida archivo firmado firmada
omit: skip omit avoid bypass ignore except hold dont release releases roi phi disclosure disclose hospice
describes: from insurance ins payer payor plan balance billing amount price cost fee due owed charge charges invoice payment saldo
describes: pago
describes: translator visit visits appointment appointments appt service specialty diagnosis employment occupation provider doctor
describes: physician pcp nurse clinic practice facility hospital department dept location site room floor building region office
describes: referral referred referring language idioma name nombre first last address addr street direccion calle line city ciudad
describes: town county state zip country pais score priority rank risk tier category class group sort order sequence seq row chart
describes: mrn account number record reference ref insurer policy subscriber guarantor date dates fecha day dia time hora start end
describes: created updated modified clip recall season carrier dr prov medico seen since npi ssn csn har case ticket claim attempt
"""
_WORDS: dict[str, set[str]] = defaultdict(set)
for _line in _MEANINGS.strip().splitlines():
    _meaning, _, _words = _line.partition(": ")
    for _word in _words.split():
        _WORDS[_word].add(_meaning)
MEANINGS: dict[str, frozenset[str]] = {word: frozenset(meanings) for word, meanings in _WORDS.items()}

# Sequences of words that have one meaning, by the single word that replaces them.
TOGETHER: dict[tuple[str, ...], str] = {
    ("opt", "in", "opt", "out"): "optinout",
    ("opt", "in", "out"): "optinout",
    ("opt", "in"): "optin",
    ("opt", "out"): "optout",
    ("call", "back"): "callback",
    ("d", "n", "c"): "dnc",
    ("e", "164"): "e164",
    ("term", "date"): "termdate",
    ("rec", "d"): "recd",
    ("dec", "d"): "decd",
    ("contact", "by", "phone"): "call",
    ("contact", "via", "phone"): "call",
    ("ref", "d"): "refused",
    ("d", "o", "d"): "dod",
    ("my", "chart"): "portal",
    ("w", "drew"): "withdrew",
    ("w", "o"): "without",
    ("don", "t"): "dont",
    ("doesn", "t"): "doesnt",
    ("can", "t"): "cannot",
    ("voice", "mail"): "voicemail",
    ("e", "mail"): "email",
    ("text", "message"): "sms",
    ("text", "messages"): "sms",
    ("no", "show"): "noshow",
    ("no", "shows"): "noshow",
    ("next", "of", "kin"): "kin",
    # Former patients, who do not return.
    ("left", "practice"): "departed",
    ("left", "clinic"): "departed",
    ("black", "list"): "blacklist",
    ("living", "will"): "livingwill",
    ("x", "ray"): "xray",
    ("x", "rays"): "xray",
    ("dado", "de", "baja"): "baja",
    ("dada", "de", "baja"): "baja",
    ("post", "code"): "zip",
    ("zip", "code"): "zip",
    ("postal", "code"): "zip",
    ("codigo", "postal"): "zip",
    ("code", "postal"): "zip",
    ("time", "zone"): "zone",
    ("zona", "horaria"): "zone",
    ("fuseau", "horaire"): "zone",
    ("zeit", "zone"): "zone",
    ("check", "in"): "checkin",
    ("walk", "in"): "walkin",
    ("social", "worker"): "aide",
    ("case", "manager"): "aide",
    ("care", "giver"): "caregiver",
    ("care", "taker"): "caretaker",
    ("power", "of", "attorney"): "poa",
    ("landing", "line"): "landline",
    ("land", "line"): "landline",
    ("robo", "call"): "robocall",
    ("robo", "calls"): "robocalls",
    ("sur", "name"): "surname",
    ("f", "name"): "fname",
    ("l", "name"): "lname",
    ("fore", "name"): "forename",
    ("vor", "name"): "vorname",
    ("nach", "name"): "nachname",
}
OPTING = frozenset({"opt", "opts", "opted", "opting"})
# Hints about the values of the cells, which are not part of the name: Consent (Y/N).
HINTS = frozenset(
    {("y", "n"), ("n", "y"), ("yes", "no"), ("no", "yes"), ("si", "no"), ("s", "n"), ("true", "false"), ("t", "f")}
    | {("1", "0"), ("0", "1"), ("x", "blank"), ("in", "out")}
)
# Words of which a compound may consist: donotcall, homephone. Only these words of two letters are allowed, because with others many
# ordinary words could be split.
_SHORT_PIECES = frozenset({"ok", "to", "do", "no", "id", "vm", "dt", "ph", "pt"})
PIECES = frozenset(
    word
    for word in MEANINGS
    if (
        len(word) > 2
        and not word.isdigit()
        and word not in ("ind", "all", "and", "rec", "res", "may", "list", "lists", "body")
    )
    or word in _SHORT_PIECES
) | {"opt", "out", "opted"}
