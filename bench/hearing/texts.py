"""What people and machines say when they answer, and what networks announce: the texts of the corpora.

Owns the words only. People's and machines' texts for the judgement (``JUDGE_*``) are others than those for the
tuning (``TUNE_*``). ``|`` is a pause that the speaker makes: 0.5 s in a machine's greeting.
"""

from __future__ import annotations

from typing import Final

Texts = dict[str, tuple[str, ...]]

TUNE_HUMAN: Final[Texts] = {
    "en": (
        "Hello?",
        "Hello.",
        "Yes?",
        "Hi.",
        "Yeah?",
        "Hello, who is this?",
        "Hello, John speaking.",
        "Good morning.",
        "Good afternoon, Smith residence.",
        "This is Mary.",
        "Hello, Mary speaking, how can I help?",
        "Peter Brown.",
        "Hey, what's up?",
        "Speaking.",
        "Hello, hello?",
        "Hello, Brown and sons.",
    ),
    "cmn": ("喂？", "你好。", "喂，你好。", "喂，哪位？", "您好，请讲。", "喂，你找谁？", "你好，我是王芳。", "是的。"),
    "de": ("Hallo?", "Ja?", "Müller.", "Ja bitte?", "Guten Tag, Schneider.", "Hallo, hier ist Anna Weber."),
    "fr": ("Allô?", "Oui?", "Allô, oui?", "Oui bonjour.", "Bonjour, Pierre Martin à l'appareil."),
    "es": ("¿Diga?", "¿Sí?", "Hola.", "¿Aló?", "Buenos días, soy María."),
}

TUNE_MACHINE: Final[Texts] = {
    "en": (
        "Hi, you have reached John Smith. I can't take your call right now. Please leave a message after the tone.",
        "Hello. | You have reached the Brown family. We are not at home. Please leave your name and number.",
        "The person you are calling is not available. At the tone, please record your message.",
        "Your call has been forwarded to an automatic voice message system. | Five five five, one two three four, "
        "is not available.",
        "Thank you for calling Smith and sons. Our office is closed. Our hours are nine to five, Monday to Friday.",
        "Hey, it's Mary, sorry I missed you, leave me a message and I will call you back as soon as I can.",
        "Welcome to the voice mailbox of Peter Brown. Please leave a message after the beep.",
        "You've reached the answering machine of Doctor Miller. For emergencies please call the hospital.",
        "We can't come to the phone right now, but if you leave a message we will get back to you.",
        "Hi. | This is Peter. | I am away from my phone. | Leave a message.",
    ),
    "cmn": (
        "您好，您拨打的用户暂时无法接听，请在提示音后留言，留言结束后请挂机。",
        "您好，我现在不方便接听电话，请您留下姓名和电话号码，我会尽快给您回电。",
        "这里是语音信箱，请在哔的一声之后留言，谢谢。",
        "你好。 | 我是李明，我现在不在，请留言。",
    ),
    "de": (
        "Guten Tag, Sie sind verbunden mit dem Anschluss von Familie Müller. Bitte hinterlassen Sie eine Nachricht.",
        "Der gewünschte Gesprächspartner ist zurzeit nicht erreichbar. Bitte sprechen Sie nach dem Signalton.",
    ),
    "fr": (
        "Bonjour, vous êtes bien sur le répondeur de Pierre Martin, je ne suis pas disponible, laissez un message.",
    ),
    "es": ("Hola, ha llamado a la familia García, ahora no podemos atenderle, deje su mensaje después de la señal.",),
}

JUDGE_HUMAN: Final[Texts] = {
    "en": (
        "Hello?",
        "Hello there.",
        "Yes?",
        "Yes, hello?",
        "Who's calling?",
        "Hello, this is Susan.",
        "Hi, David here.",
        "Good evening.",
        "Good morning, Taylor household.",
        "Tom Wilson speaking.",
        "Hello, Wilson, how are you?",
        "Hey.",
        "Yep?",
        "Hello, can I help you?",
        "Accounts, Linda speaking.",
        "Morning.",
    ),
    "cs": ("Haló?", "Ano?", "Prosím?", "Dobrý den.", "Novák, prosím.", "Haló, kdo volá?", "Dobrý den, Jana Nová."),
    "it": ("Pronto?", "Sì?", "Pronto, chi parla?", "Buongiorno.", "Sì, pronto?", "Buongiorno, sono Marco."),
    "fi": ("Haloo?", "Niin?", "Hei.", "Virtanen.", "Anna Virtanen, hei.", "Kuka siellä?"),
    "ca": ("Digui?", "Sí?", "Hola.", "Hola, qui és?", "Bon dia, parla la Maria."),
}

JUDGE_MACHINE: Final[Texts] = {
    "en": (
        "Hello, this is the voicemail of Susan Taylor. Please leave me a message and I'll return your call.",
        "You have reached the Wilson residence. Nobody can take your call at the moment. Please speak after the beep.",
        "The number you have dialed is not answering. Please leave your message after the tone.",
        "Hi there. | You've reached David. | I'm either on the other line or away. Leave a message. Thanks.",
        "Thank you for calling Northern Insurance. | All of our agents are busy. Please stay on the line.",
        "Sorry, I can't get to the phone right now. Leave your name, number and a short message.",
        "This is Tom. I'm on holiday until the end of the month. For urgent matters write me a mail.",
        "Welcome to the voice message service. | The subscriber can not be reached. | Record after the signal.",
        "Please leave a message for Linda Clark at the tone, or hang up and send a text.",
        "Hey you, guess what, I'm not here, you know what to do when you hear the beep.",
    ),
    "cs": (
        "Dobrý den, dovolali jste se do hlasové schránky. Zanechte prosím zprávu po zaznění signálu.",
        "Volaný účastník není dostupný, zkuste to prosím později nebo zanechte vzkaz.",
        "Tady je Jana, teď nemůžu mluvit, nechte mi vzkaz a já se vám ozvu.",
    ),
    "it": (
        "Salve, questa è la segreteria telefonica della famiglia Rossi, lasciate un messaggio dopo il segnale.",
        "Il cliente da lei chiamato non è al momento raggiungibile, la preghiamo di richiamare più tardi.",
        "Ciao, sono Marco. | Adesso non posso rispondere, lasciate un messaggio.",
    ),
    "fi": (
        "Hei, olet soittanut Anna Virtaselle, en pääse nyt puhelimeen, jätä viesti äänimerkin jälkeen.",
        "Tavoittelemanne henkilö ei ole juuri nyt tavoitettavissa, jättäkää viesti.",
    ),
    "ca": (
        "Hola, aquest és el contestador de la Maria, ara no puc parlar, deixeu un missatge després del senyal.",
        "El telèfon al qual truca està apagat o fora de cobertura en aquest moment.",
    ),
}

ANNOUNCEMENTS: Final[tuple[tuple[str, str, str], ...]] = (
    # (language, what, words): those that the lab teaches
    ("cmn", "dead_number", "您好，您拨打的号码是空号，请核对后再拨。"),
    ("cmn", "switched_off", "您好，您拨打的电话已关机，请稍后再拨。"),
    ("cmn", "busy", "您好，您拨打的电话正在通话中，请稍后再拨。"),
    ("en-us", "dead_number", "We're sorry, you have reached a number that has been disconnected or is not in service."),
    ("en-us", "dead_number", "The number you have dialed does not exist. Please check the number and dial again."),
    ("en-us", "switched_off", "The subscriber you dialed is powered off. Please try again later."),
    ("en-us", "busy", "The subscriber you dialed is busy at the moment. Please try again later."),
)

STRANGERS: Final[tuple[tuple[str, str], ...]] = (
    # announcements that nobody taught: none of them may be taken for one that was
    ("cmn", "您好，您拨打的用户不在服务区，请稍后再拨。"),
    ("cmn", "对不起，您的电话已欠费，请续交话费。"),
    ("cmn", "您拨打的电话暂时无法接通，请稍后再拨。"),
    ("en-us", "The number you have dialed is not in service at this time. Please hold the line."),
    ("en-us", "All circuits are busy now. Please try your call again later."),
    ("en-us", "Please hold while we connect your call. You may hear music while the subscriber is reached."),
    ("en-us", "The subscriber you dialed has a ring back tone. Enjoy the music while your call is connected."),
)
