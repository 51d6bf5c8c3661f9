"""The words that the text grammar draws from: classes of words and short phrases, nothing more.

No sentence stands here. Every sentence, of honest people and of operators alike, is drawn from the
same classes by `text`, so that no fixed string gives anybody away.
"""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


def _phrases(text: str) -> list[str]:
    return [" ".join(phrase.split()) for phrase in text.split(";")]


NOUNS = _words(
    """
report table sentence invoice recipe garden engine letter schedule theorem kernel lesson budget
contract poem dataset function class module server client query index bridge river engineer teacher
patient hospital clinic protein enzyme molecule planet orbit galaxy novel chapter character plot
dialogue essay paragraph summary outline headline article interview survey question answer proof
lemma equation matrix vector graph network protocol packet router database schema migration backup
script terminal compiler parser token string list loop recursion variable pointer thread process
container cluster deployment pipeline test bug patch release version license policy treaty law court
judge lawyer market price stock bond loan mortgage tax salary pension insurance claim customer
product review rating delivery warehouse factory machine sensor battery motor bicycle car train
flight airport hotel ticket passport visa island mountain forest desert ocean storm climate season
harvest tomato potato bread cheese soup sauce oven kettle knife kitchen bathroom roof window door
carpet sofa lamp camera photo painting sculpture museum concert guitar piano violin melody rhythm
dance theatre film actor director stadium match team coach player tournament medal chess puzzle
game toy child parent family neighbour wedding birthday holiday journey map compass history empire
king revolution war peace election senator minister village city street apartment tenant landlord
repair tool hammer screw paint colour shape pattern texture fabric dress shoe jacket hat bag watch
phone tablet laptop keyboard screen printer password account email message meeting agenda project
deadline manager colleague intern company startup investor strategy plan goal habit exercise diet
sleep stress anxiety memory brain muscle bone heart lung vaccine virus bacteria cell tissue gene
species bird whale horse dog cat insect flower tree leaf root seed soil fertiliser water energy
"""
)

VERBS = _words(
    """
describes explains compares improves replaces supports affects measures predicts summarises contains
requires produces reduces increases avoids follows precedes contradicts resembles includes excludes
mentions ignores protects threatens repairs breaks builds destroys funds taxes regulates monitors
controls limits extends shortens translates rewrites corrects tests validates compiles parses loads
stores deletes updates merges splits sorts filters groups counts ranks schedules delays cancels
approves rejects questions answers teaches trains examines treats heals feeds grows harvests cooks
bakes freezes heats cools lights paints draws plays performs records edits publishes sells buys
rents borrows owes pays saves wastes recycles carries delivers sends receives opens closes locks
joins leaves visits crosses circles touches reaches needs wants loves fears remembers forgets uses
"""
)

BASES = _words(
    """
explain summarise describe compare list rewrite translate improve correct shorten extend outline
draft plan design calculate estimate classify rank sort extract identify review debug refactor test
document convert simplify analyse evaluate solve prove derive predict suggest recommend generate
write compose paraphrase proofread format label annotate organise prioritise check verify interpret
illustrate criticise defend argue discuss investigate trace count measure schedule prepare
"""
)

ADJECTIVES = _words(
    """
small large old new green blue red dark bright quiet loud quick slow cheap expensive simple complex
rare common public private local global annual daily weekly final early late recent ancient modern
formal casual legal medical technical financial scientific historical musical digital analogue
manual automatic stable fragile rough smooth sharp blunt heavy light thick thin wide narrow deep
shallow hot cold warm cool dry wet fresh frozen sweet bitter sour salty healthy sick tired happy sad
angry calm nervous brave shy honest polite rude clever careful careless useful useless broken
missing hidden obvious likely unlikely certain vague precise random linear quadratic empty full open
closed safe dangerous central remote northern southern eastern western urban rural main minor strict
relaxed missing detailed brief accurate original average typical unusual strange familiar popular
"""
)

ADVERBS = _words(
    """
quickly slowly carefully usually often rarely sometimes always never again already still soon later
recently finally mostly partly roughly exactly nearly clearly probably perhaps certainly quietly
directly gradually suddenly together separately properly badly well twice everywhere somehow instead
"""
)

PREPOSITIONS = _words(
    """
of in on at for with without about under over between behind beyond against during before after from
towards inside outside near across through around despite beside within
"""
)

DETERMINERS = _words("the a this that my our your their every some any each another one no his her")
PRONOUNS = _phrases(
    "I; we; you; they; he; she; it; everyone; nobody; someone; my friend; my boss; our team"
)
AUXILIARIES = _words("can could should would must may might will does did has had")
CONJUNCTIONS = _words("and but or so because although while unless if when whereas since until")
QUESTIONS = _words("what why how when where which who")

ROLES = _words(
    """
teacher lawyer accountant nurse doctor engineer physicist chemist biologist historian journalist
editor translator poet novelist critic chef gardener architect carpenter plumber electrician
mechanic pilot sailor detective analyst statistician economist programmer designer tester librarian
coach tutor recruiter negotiator diplomat philosopher psychologist reviewer examiner annotator judge
"""
)

OPENINGS = _phrases(
    """
can you help me with; please help me with; I need help with; tell me about;
what do you think of;
I am working on; I have a question about; could you look at; give me some ideas for;
I'm stuck on;
write something about; how do I deal with; what is the best way to handle; I want to understand;
my task is about; here is; take a look at; let's talk about; I'm trying to fix; do you know;
is it possible to change; I was wondering about; quick question about; explain like I'm five;
thanks, now look at; in the context of; for my homework I need; my boss asked me for; imagine;
suppose we have; given; consider; as discussed, here comes; next one:; can we go back to;
I disagree with; make a table of; make a list of; what are the pros and cons of; short answer:;
step by step, show me; I'd like to learn about; we were talking about; is there a difference in
"""
)

SHORT_MESSAGES = _phrases(
    """
hi; hello; hey; test; thanks; thank you; continue; go on; yes; no; ok; why?; more; shorter;
try again; are you there?; good morning; hello there; next; explain; summarise this;
please continue;
can you elaborate?; make it shorter; make it longer; rewrite it; in english please;
tell me a joke;
what can you do?; who are you?; help; hello world; that's wrong; fix it; again; really?; great;
what do you mean?; give me an example; translate this; keep going; proofread this; write a poem;
how are you?; what time is it?; tell me a story; another one; and then?; perfect, thanks; wow
"""
)

FORMATS = _phrases(
    "JSON; YAML; markdown; CSV; HTML; bullets; prose; one line; a table; numbered steps; plain text"
)

FIRST_NAMES = _words(
    """
James Mary Wei Maria John Fatima Ahmed Anna Robert Li Mohammed Olga David Priya Elena Juan Sofia
Michael Yuki Carlos Ana Thomas Aisha Omar Laura Daniel Mei Ivan Julia Paul Amina Peter Chloe Lucas
Emma Hugo Nina Marco Sara Felix Clara Jonas Lea Tariq Ingrid Sven Aiko Hiroshi Min Jun Soo Ji Raj
Anil Deepa Sanjay Kavita Arjun Nadia Karim Leila Hassan Yasmin Diego Lucia Pablo Carmen Jorge Rosa
Bruno Camila Rafael Beatriz Tiago Joana Pierre Claire Louis Camille Antoine Manon Giulia Luca Paolo
Chiara Dmitri Natalia Sergei Irina Andrei Katya Pavel Zofia Jan Agata Piotr Eva Tomas Lenka Erik
Astrid Lars Freja Nils Kwame Abena Chidi Ngozi Thabo Zanele George Helen Nikos Eleni Mehmet Ayse
"""
)

LAST_NAMES = _words(
    """
Smith Johnson Wang Garcia Khan Silva Müller Nguyen Kim Singh Chen Brown Jones Martin Rossi Ivanov
Lopez Patel Sato Tanaka Park Lee Ali Hassan Cohen Levy Novak Kowalski Andersson Hansen Larsen Berg
Weber Schmidt Fischer Becker Wagner Dubois Moreau Laurent Bernard Petit Roux Bianchi Romano Costa
Ferrari Santos Oliveira Souza Pereira Fernandez Torres Ramirez Flores Diaz Morales Ortiz Castillo
Popov Petrov Sokolov Volkov Kuznetsov Papadopoulos Yilmaz Demir Kaya Okafor Mensah Dlamini Mwangi
Haddad Nasser Rahman Hossain Das Gupta Sharma Reddy Iyer Fernando Perera Tan Lim Wong Chan Ho
Takahashi Suzuki Yamamoto Watanabe Choi Jung Kang Taylor Wilson Evans Walker Wright Hughes Murphy
Kelly Byrne Campbell Stewart MacDonald Clarke Turner Hill Baker Cooper Ward Morris Bailey Reed Cook
"""
)

SYLLABLES = _words(
    """
ba be bo bri cal cor da del dra el en fa fer gal gri ha hel in is jor ka kel la lim lo mar mi mon na
nel no or pa per pol qua ra ren ri ro sa sel sha so ta tel to tri ul va vel vi wa wen xi ya zan zo
"""
)

FREE_MAIL = {
    "gmail.com": 0.52,
    "outlook.com": 0.10,
    "hotmail.com": 0.09,
    "yahoo.com": 0.09,
    "icloud.com": 0.06,
    "qq.com": 0.035,
    "proton.me": 0.025,
    "gmx.de": 0.02,
    "mail.ru": 0.02,
    "web.de": 0.01,
    "163.com": 0.01,
    "aol.com": 0.01,
    "yandex.ru": 0.01,
}
DISPOSABLE_MAIL = ("mailinator.com", "guerrillamail.com", "10minutemail.com", "yopmail.com")
TOP_LEVELS = ("com", "com", "com", "com", "io", "net", "org", "co", "de", "fr", "co.uk", "dev")

FENCES = [
    ('"""', '"""'),
    ("<input>", "</input>"),
    ("```\n", "```\n"),
    ("---\n", "---\n"),
    ("[[", "]]"),
    ("<text>", "</text>"),
    ("(begin)", "(end)"),
]
