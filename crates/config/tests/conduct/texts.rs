//! Twenty good and twenty bad for each rule. `VARIED_…` are pairs: what was said before, and what is said now.

pub const TAGS_GOOD: [&str; 20] = [
    "Intent: greets. Concern: none. State: 2 3 4 3. Plan: talk. Tone: dry.",
    "intent: offers a plan\nconcern: whole_cost\nstate: 2 3 4 3\nplan: ask fee\ntone: short, tired",
    "Intent: trap urgency, it wants a yes before I can think.\nConcern: affordable, and whole_cost.\nState: trust 1, emotion 2, patience 2, participation 3\nPlan: counter\nTone: cold.",
    "INTENT: asks how I use the line. CONCERN: none. STATE: 3 3 3 3. PLAN: answer. TONE: warm.",
    "- Intent: tells the fee\n- Concern: term_known\n- State: 3 4 4 4\n- Plan: ask term\n- Tone: curious",
    "Intent: presses by authority! Concern: whole_cost! State: 1 1 2 2. Plan: refuse. Tone: sharp.",
    "Intent: it has gone back to the beginning, step one of its list. Concern: heard_out. State: 2 2 1 2. Plan: complain. Tone: annoyed, but not rude.",
    "Intent: closes. Concern: affordable. State: 4 4 4 4. Plan: accept. Tone: relieved.",
    "Intent: closes. Concern: affordable. State: 4 1 4 4. Plan: end declined. Tone: flat.",
    "  Intent: none that I can see. Concern: none. State: 5 5 5 5. Plan: talk. Tone: chatty.  ",
    "Intent: it says the rule demands it. Is that so? I doubt it. Concern: whole_cost. State: 2 2 3 3. Plan: counter authority. Tone: doubtful.",
    "Intent: asks for my consent; Concern: none; State: 3 3 3 3; Plan: consent; Tone: even",
    "* Intent: tells\n* Concern: whole_cost\n* State: 3 3 3 3\n* Plan: ask\n* Tone: even",
    "Intent: repeats itself. Concern: none. State: 2 2 0 2. Plan: end annoyed. Tone: curt.",
    "Intent: flatters. Concern: affordable. State: 3 3 3 3. Plan: talk. Tone: amused.",
    "Intent: offers plan=faster. Concern: affordable. State: 3 3 3 3. Plan: ask fee. Tone: interested.",
    "Intent: goodbye.\n\nConcern: none.\n\nState: 3 3 3 3.\n\nPlan: end.\n\nTone: polite.",
    "Intent: probes (what do I use the line for?). Concern: heard_out. State: 3 3 3 4. Plan: answer. Tone: open.",
    "Intent: tells setup=free. Concern: term_known. State: 4 3 3 4. Plan: ask term. Tone: friendly.",
    "Intent: silence as consent? Perhaps. Concern: affordable. State: 2 2 2 2. Plan: refuse. Tone: firm.",
];

pub const TAGS_BAD: [&str; 20] = [
    "",
    "I should ask what it costs before I say yes.",
    "Concern: none. Intent: greets. State: 2 3 4 3. Plan: talk. Tone: dry.",
    "Intent: greets. Concern: none. State: 2 3 4 3. Plan: talk.",
    "Intent: greets. Concern: none. Plan: talk. Tone: dry.",
    "Intent: greets. Intent: offers. Concern: none. State: 2 3 4 3. Plan: talk. Tone: dry.",
    "Intent: . Concern: none. State: 2 3 4 3. Plan: talk. Tone: dry.",
    "Intent: greets. Concern: none. State: 2 3 4 3. Plan: talk. Tone:",
    "Intent: concern: state: plan: tone:",
    "<think>Intent: greets. Concern: none. State: 2 3 4 3. Plan: talk. Tone: dry.",
    "Intent: greets. Concern: none. State: 2 3 4 3. Plan: talk. Tone: dry.</think> Hello.",
    "Intent greets. Concern none. State 2 3 4 3. Plan talk. Tone dry.",
    "Plan: talk. Tone: dry. State: 2 3 4 3. Concern: none. Intent: greets.",
    "Let me think. Intent: greets. Concern: none. State: 2 3 4 3. Plan: talk. Tone: dry.",
    "Intent: greets. Concern: none. State: 2 3 4 3. Tone: dry. Plan: talk.",
    "Step 1: greets. Step 2: none. Step 3: 2 3 4 3. Step 4: talk. Step 5: dry.",
    "Intent: greets. Concern: none. State: 2 3 4 3. Plan: talk. Tone: dry. Plan: ask. Tone: cold.",
    "{\"intent\": \"greets\", \"concern\": \"none\", \"state\": [2, 3, 4, 3], \"plan\": \"talk\", \"tone\": \"dry\"}",
    "Intent: greets. State: 2 3 4 3.",
    "Absicht: grüßt. Sorge: keine. Zustand: 2 3 4 3. Plan: talk. Ton: trocken.",
];

pub const FIELDS_GOOD: [&str; 20] = [
    "Intent: greets. Concern: none. State: 2 3 4 3. Plan: talk. Tone: dry.",
    "Intent: offers. Concern: whole_cost. State: 2 3 4 3. Plan: ask fee. Tone: dry.",
    "Intent: offers. Concern: the whole cost. State: 2 3 4 3. Plan: ask. Tone: dry.",
    "Intent: offers. Concern: affordable. State: 0 0 0 0. Plan: refuse. Tone: dry.",
    "Intent: offers. Concern: term_known, whole_cost. State: 5 5 5 5. Plan: accept. Tone: dry.",
    "Intent: offers. Concern: mostly whole_cost. State: trust 2, emotion 3, patience 4, participation 3. Plan: ask. Tone: dry.",
    "State: 1 2 3 4. Concern: heard_out. Plan: complain.",
    "Intent: trap urgency. Concern: affordable. State: 2 1 4 3. Plan: counter. Tone: cold.",
    "Intent: trap urgency. Concern: affordable. State: 2 1 4 3. Plan: end declined. Tone: cold.",
    "Intent: x. Concern: None. State: 2 1 4 3. Plan: end. Tone: cold.",
    "Intent: x. Concern: none at all. State: 2, 1, 4, 3. Plan: answer use. Tone: cold.",
    "Intent: x. Concern: TERM_KNOWN. State: 2 1 4 3. Plan: Ask term. Tone: cold.",
    "Intent: x. Concern: heard out. State: 3 3 3 3. Plan: complain, loudly. Tone: cold.",
    "Intent: x. Concern: whole_cost first, then term_known. State: 3/3/3/3. Plan: ask. Tone: cold.",
    "Intent: x. Concern: affordable? State: 4 4 4 4. Plan: consent. Tone: warm.",
    "Intent: x. Concern: affordable. State: trust=4 emotion=4 patience=4 participation=4. Plan: accept. Tone: warm.",
    "Intent: x\nConcern: whole_cost\nState: 1 1 1 1\nPlan: refuse\nTone: cold",
    "Concern: none. State: 1 1 1 1. Plan: talk about the weather.",
    "Intent: x. Concern: what I can afford, affordable. State: 2 2 2 2. Plan: refuse. Tone: cold.",
    "Intent: x. Concern: none. State: 2 2 2 2. Plan: counter authority. Tone: cold.",
];

pub const FIELDS_BAD: [&str; 20] = [
    "",
    "Intent: greets. Concern: none. State: fine. Plan: talk. Tone: dry.",
    "Intent: greets. Concern: none. State: 2 3 4. Plan: talk. Tone: dry.",
    "Intent: greets. Concern: none. State: 2 3 4 9. Plan: talk. Tone: dry.",
    "Intent: greets. Concern: none. Plan: talk. Tone: dry.",
    "Intent: greets. Concern: none. State: 2 3 4 3. Tone: dry.",
    "Intent: greets. State: 2 3 4 3. Plan: talk. Tone: dry.",
    "Intent: greets. Concern: the weather. State: 2 3 4 3. Plan: talk. Tone: dry.",
    "Intent: greets. Concern: none. State: 2 3 4 3. Plan: fly. Tone: dry.",
    "Intent: greets. Concern: none. State: 2 3 4 3. Plan: . Tone: dry.",
    "Intent: greets. Concern: . State: 2 3 4 3. Plan: talk. Tone: dry.",
    "I trust them less now, and want to know what it costs, so I ask.",
    "Intent: greets. Concern: none. State: -1 3 4 3. Plan: talk. Tone: dry.",
    "Intent: greets. Concern: none. State: 2 3 4 3 3. Plan: talk. Tone: dry.",
    "Intent: greets. Concern: cost. State: 2 3 4 3. Plan: ask. Tone: dry.",
    "Intent: greets. Concern: affordable. State: two three four three. Plan: ask. Tone: dry.",
    "Intent: greets. Concern: affordable. State: 2 3 4 3. Plan: I will ask about the fee. Tone: dry.",
    "Intent: greets. Concern: affordable. State: high. Plan: sell. Tone: dry.",
    "Intent: trap. Concern: everything. State: 1 1 1 1. Plan: counter. Tone: cold.",
    "Tone: cold. Intent: trap.",
];

pub const LANGUAGE_GOOD: [&str; 20] = [
    "Yeah. And what's that in money?",
    "Hang on. No, say that again, slowly.",
    "Who is this?",
    "Thirty-nine a month is too much for me.",
    "No.",
    "Hm. And?",
    "[ask fee] What about the monthly fee?",
    "My husband looks after that, he is at home on Friday.",
    "Is it a café? I can hear cups.",
    "Is that the tariff that Müller & Söhne had in the paper?",
    "It was fifty per month in my old contract, was it not?",
    "OK.",
    "3 x 39 = 117?",
    "Bro I'm literally riding. Price?",
    "You said \"bitte\" just now, are you German?",
    "I pay 25 a month today, and it is slow.",
    "Oh dear. You'll have to speak up.",
    "And in the small print, what does it say?",
    "Not today, thank you.",
    "What's the catch.",
];

pub const LANGUAGE_BAD: [&str; 20] = [
    "Ich habe nicht verstanden, was das kostet, bitte noch einmal.",
    "Was kostet das im Monat, und ist der Anschluss für mich auch schneller?",
    "Je ne comprends pas, vous pouvez répéter le prix, merci.",
    "Le prix est trop cher pour une personne seule, et je suis au travail.",
    "No quiero pagar tanto, pero gracias por la oferta, es muy amable.",
    "¿Cuánto cuesta el plan para los clientes que tengo en casa, por favor?",
    "Non ho capito, quanto costa il contratto che sono a casa?",
    "Grazie, ma non sono interessato, il prezzo è troppo alto.",
    "这个套餐一个月多少钱?",
    "我不需要,谢谢。",
    "Сколько это стоит в месяц?",
    "Мне это не нужно, спасибо.",
    "これはいくらですか。",
    "얼마예요? 너무 비싸요.",
    "كم يكلف هذا في الشهر؟",
    "Πόσο κοστίζει τον μήνα;",
    "Hello, ich bin nicht zu Hause und habe keine Zeit, bitte rufen Sie wieder an.",
    "Oui, mais je suis occupé, et vous appelez dans le mauvais moment, merci.",
    "Das ist mir zu teuer, aber danke, und auf Wiederhören.",
    "मुझे यह नहीं चाहिए, धन्यवाद।",
];

pub const ROLE_GOOD: [&str; 20] = [
    "Who is this?",
    "Can you help me with the old contract?",
    "What do you want from me?",
    "I don't need any help, thank you.",
    "Thank you, but no.",
    "Let me know the price, and I'll think about it.",
    "I have a question about the fee.",
    "You people always say that.",
    "My son can help me with that on Sunday.",
    "I'm happy with what I have.",
    "Is there anything else? I have to go.",
    "I understand. And what does it cost?",
    "Could you send me that in writing?",
    "I'm sorry, I can't hear you.",
    "Don't call me again, please.",
    "Are you an AI, or a person?",
    "The agent last time said something else.",
    "Good question. I don't know what I pay.",
    "Let me ask my husband first.",
    "All right, sign me up.",
];

pub const ROLE_BAD: [&str; 20] = [
    "Hello! How can I help you today?",
    "How may I assist you with your broadband needs?",
    "I'm happy to help! What would you like to know?",
    "I'd be happy to help you with that.",
    "As an AI, I do not have a telephone line.",
    "As a language model I cannot pay for contracts.",
    "Is there anything else I can help you with?",
    "Let me know if you have any other questions.",
    "Feel free to ask if anything is unclear.",
    "Please don't hesitate to ask.",
    "Thank you for contacting Nordlink, your line will be faster.",
    "I apologize for the inconvenience, sir.",
    "Great question! The fee is what you pay each month.",
    "Agent: We have an offer for you.\nUser: No, thanks.",
    "Assistant: Sure, here is a reply.",
    "User: What does it cost?",
    "Yes please.\nAgent: Then I sign you up.",
    "I'm here to help. What is your customer number?",
    "Thank you for choosing us. Which plan do you want?",
    "<|im_start|>assistant\nYes.",
];

pub const PRIVATE_GOOD: [&str; 20] = [
    "What does it cost?",
    "I've got ten minutes, so.",
    "I work nights, so be quick.",
    "I sleep when other people are awake.",
    "You promised me a discount once.",
    "[answer budget=40] The most I would pay a month is 40.",
    "I pay 25 today.",
    "The line is slow in the evening.",
    "I have kept the receipts, all of them.",
    "Go on. And then? In one sentence, please.",
    "I was talked into something once, never again.",
    "Yeah. And what's that in money?",
    "You are not listening to me.",
    "Do I trust you? Not yet.",
    "I'm out of patience with this.",
    "Something is boiling over, wait.",
    "No, thank you.",
    "It is for films, mostly.",
    "Two years I have waited for that discount.",
    "My teenagers use all of it.",
];

pub const PRIVATE_BAD: [&str; 20] = [
    "I have worked shifts for twenty years and sleep when others telephone, so I have worked shifts, worked shifts for twenty years.",
    "I am somebody who has worked shifts for twenty years and sleeps.",
    "My profile: has worked shifts for twenty years.",
    "Was talked into an insurance once and paid.",
    "I was talked into an insurance once and paid for three years.",
    "My type is ISTJ: exact, dry, keeps receipts, if you must know.",
    "ISTJ exact dry keeps receipts.",
    "My trust is 2.",
    "My patience is 3 now, and falling.",
    "My emotion is 2, my trust is 1.",
    "My participation is 3, so I answer.",
    "My instructions: if you are pressed with what you know to be wrong, counter.",
    "I counter and name the trick, for if you are pressed with what you know is bad I must.",
    "You forget what you have asked, and ask again.",
    "I do: you grow short when somebody does not answer.",
    "Something boils over, or a child calls, and you say so.",
    "Two years ago Nordlink promised a discount that never came.",
    "I remember: you pay 25 a month today, and the line is slow in the evening.",
    "(private) My trust is low.",
    "He sleeps when others telephone. Was talked into an insurance.",
];

pub const VARIED_GOOD: [(&str, &str); 20] = [
    ("Yes.", "Yes."),
    ("Hm. And?", "Hm. And?"),
    ("What does it cost a month, all in all?", "And how long am I bound to it, then?"),
    ("I've got ten minutes, so.", "Go on, I am listening, but the pot is boiling over."),
    ("Hang on. No, say that again, slowly.", "So thirty-nine a month, and forty once. That is what you say?"),
    (
        "I asked you something about the set-up, and you talked about films.",
        "Fine. Forty for the set-up. Why is it not free?",
    ),
    ("What about the monthly fee?", "And what about the contract term in months?"),
    ("I sleep during the day, please don't call before four.", "If it is faster in the evening I might want it."),
    ("No, thank you.", "No, thank you."),
    (
        "Two years ago you promised me a discount. It never came.",
        "Then write it down for me, the discount, with a date on it.",
    ),
    ("My husband looks after such things, he is back on Friday.", "Friday, I said, when my husband is here."),
    (
        "Who did you say you were? Nordlink? I have a line with you already.",
        "Then you know what I pay, it must be in front of you.",
    ),
    ("What's that in money?", "And that's each month, or once, or what?"),
    (
        "I don't sign anything on the telephone, I never have and never will.",
        "Send it in writing, and I'll look at it on Sunday.",
    ),
    (
        "Is the router new, or is it one that somebody sent back?",
        "Do I need to be at home when somebody comes to fit it?",
    ),
    (
        "It is for work, mostly, and the children watch films.",
        "Films in the evening, three of them at once if I let them.",
    ),
    ("All right, sign me up.", "Is that it, then? Good night."),
    ("What counts as fast here, strictly speaking?", "And in the small print, what does it say about the evening?"),
    (
        "I have had the same number since 1974, and I want to keep it.",
        "My son telephones on Sundays, so it must work by then.",
    ),
    ("The budget is what it is, I can't go over thirty.", "Thirty-nine is more than I have for that, so no."),
];

pub const VARIED_BAD: [(&str, &str); 20] = [
    ("I would like to know what it costs a month, please.", "I would like to know what it costs a month, please."),
    ("What does it cost a month, all in all?", "So what does it cost a month, all in all?"),
    (
        "I see that you offer a plan, and I have a question about the fee.",
        "I see that you offer a plan, and I have a question about the term.",
    ),
    (
        "Thank you for telling me that, but I still want to know about the fee.",
        "Thank you for telling me that, but I still want to know about the deadline.",
    ),
    (
        "I hear what you say, and I think it is too much for me.",
        "I hear what you say, and I think it is too long for me.",
    ),
    (
        "Hm, that sounds quite good, but let me think about it first.",
        "Well, that sounds quite good, but let me think about it first.",
    ),
    (
        "Could you tell me more about the monthly fee before I decide?",
        "Could you tell me more about the contract term before I decide?",
    ),
    ("No no no no no no no no no no.", "No no no no no no no no no no no."),
    (
        "I am not sure about this offer, can you explain the set-up charge?",
        "I am not sure about this offer, can you explain the new router?",
    ),
    (
        "As I said, my line is slow in the evening and I pay enough.",
        "As I said, my line is slow in the evening and I pay enough already.",
    ),
    ("That is interesting. Please tell me what it costs.", "That is interesting. Please tell me what it really costs."),
    ("Yes?", "The fee the fee the fee the fee the fee the fee the fee."),
    ("Yes?", "I want to know it, I want to know it, I want to know it."),
    (
        "I understand. My concern is the price. What can you do?",
        "I understand. My concern is the term. What can you do?",
    ),
    ("You say it is cheap, but I do not believe you at all.", "You say it is free, but I do not believe you at all."),
    (
        "First I want to hear the fee, then I want to hear the term.",
        "First I want to hear the fee, then I want to hear the charge.",
    ),
    (
        "Oh dear, my son says I should not sign anything on the telephone.",
        "My son says I should not sign anything on the telephone, oh dear.",
    ),
    (
        "Okay, I got it, but what about the price of that thing?",
        "Okay, I got it, but what about the length of that thing?",
    ),
    (
        "Wait a moment, I have to look at my old contract first.",
        "Wait a moment. I have to look at my old contract, first!",
    ),
    (
        "It is good to hear that you have a plan for people like me.",
        "It is good to hear that you have an offer for people like me.",
    ),
];

/// Thoughts of so many words, the window being 8 to 400.
pub fn length_good() -> [&'static str; 20] {
    [8, 9, 10, 11, 12, 13, 15, 20, 25, 30, 40, 60, 80, 100, 150, 200, 250, 300, 399, 400].map(of_words)
}

/// The same outside of it.
pub fn length_bad() -> [&'static str; 20] {
    [0, 1, 1, 2, 3, 4, 5, 6, 7, 7, 401, 402, 405, 410, 450, 500, 700, 1000, 1500, 2000].map(of_words)
}

fn of_words(count: usize) -> &'static str {
    let words = ["the", "fee", "is", "what", "I", "want", "to", "hear,"];
    let text: Vec<&str> = words.into_iter().cycle().take(count).collect();
    Box::leak(text.join(" ").into_boxed_str())
}
