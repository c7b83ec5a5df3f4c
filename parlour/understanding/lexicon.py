"""Words that carry meaning across languages: each belongs to a concept, and a head learns a concept once for all of them.

Written for this project. ``*`` at the end of a word stands for any ending. The words of feeling in English come from VADER's
lexicon instead (MIT), which the training command folds into the weights file.
"""

from typing import Final

# Languages in order: en de fr es pt it nl, then others.
CONCEPTS: Final[dict[str, str]] = {
    "delivery": """
        parcel* package packages deliver* courier shipment* shipping shipped dispatch* luggage baggage suitcase* tracking postman
        customs flight flights airport boarding gate tarmac delayed delay delays cancelled canceled rebook* layover runway
        dhl ups fedex hermes dpd postnl correos
        paket* lieferung* liefer* geliefert zustell* versand* verschickt sendung* bote kurier* gepäck* koffer* verspät* flug flüge
        flughafen storniert annulliert sendungsnummer
        colis livr* expédi* livreur* coursier* bagage* valise* vol vols aéroport retard retards annulé annulée
        paquete* envío* enviado entrega entreg* repartidor* mensajer* equipaje maleta* vuelo* aeropuerto retras* pedido* cancelado
        encomenda* pacote* entregue transportadora correios bagagem mala voo voos aeroporto atras* rastre*
        pacco pacchi consegna* spedizion* spedit* corriere bagagli* valigi* volo voli ritard*
        pakket* pakje* bezorg* lever* geleverd verzend* verzonden koerier* bagage koffer vlucht* vertraging* vertraagd luchthaven
        paczk* przesyłk* kurier* pakke* forsink* paketti* kargo* посылк* доставк* рейс* багаж*
        طرد شحنة الشحنة توصيل التوصيل رحلة الرحلة أمتعة डिलीवरी पार्सल सामान उड़ान
    """,
    "billing": """
        bill bills billing billed charge charged charges charging invoice* refund* payment* paid pay paying overcharg* fee fees
        money price prices pricing cost costs debit* subscription* receipt* credit voucher* coupon* discount* expensive premium
        rechnung* abgebucht abbuch* rückerstatt* erstatt* geld zahl* bezahl* gebühr* preis* lastschrift* kosten teuer gutschrift*
        guthaben abo abonnement* kontoauszug gutschein* rabatt* gezahlt doppelt
        factur* rembours* paiement* payer payé argent prix prélev* frais tarif* cher débité* facturé*
        factura* reembols* cobr* cobro* pago pagos pagar pagado dinero precio* tarifa* caro cargo cargos suscripci* devoluci*
        fatura* cobran* pagamento* paguei dinheiro preço* estorn* cartão assinatura desconto* taxa
        fattur* rimbors* addebit* pagament* pagato soldi prezz* costo abbonament* tariff* sconto
        factuur* rekening* terugbetal* betaal* betaling* geld prijs* kosten afgeschreven incasso* korting* duur
        faktur* zwrot* pieniądz* płatno* betalning* återbetal* fatura iade деньги оплат* счет возврат
        فاتورة مبلغ فلوس استرداد خصم السعر पैसे पैसा बिल रिफंड भुगतान
    """,
    "account": """
        account accounts login log-in password* passcode* username* hacked hack hacking locked unlock* suspend* banned verif* signin
        profile email authenticat* recover* identity logged signed register* 2fa pin otp reset impersonat* compromised deactivat*
        konto kontos passwort* kennwort* anmeld* einloggen eingeloggt gesperrt sperr* gehackt benutzer* profil* verifizier* zugangs*
        compte comptes identifiant* connexion connecter bloqué piraté suspendu* mot-de-passe vérifi* inscri*
        cuenta cuentas contraseña* clave usuario* bloquead* hackead* hackearon suspendid* verific* perfil registr* sesión
        conta contas senha* utilizador bloquead* hackead* perfil cadastr* palavra-passe
        account credenzial* password utente bloccat* hackerat* profilo accesso registrazion* iscrizion*
        wachtwoord* inloggen ingelogd geblokkeerd gehackt gebruikersnaam profiel aanmelden inlog*
        konta hasł* lösenord* şifre hesab* аккаунт* парол* взлом*
        حساب حسابي المرور كلمة अकाउंट खाता पासवर्ड
    """,
    "website": """
        website* webpage* page pages site webshop checkout browser* link links form homepage url cart basket online portal cookies
        captcha 404 menu button
        webseite* website seite seiten onlineshop warenkorb formular* browser kasse homepage internetseite bestellformular
        site page pages formulaire* panier navigateur lien liens internet
        página* web sitio formulario* carrito navegador enlace*
        site página carrinho formulário* navegador
        sito pagina pagine modulo carrello browser
        webpagina* website winkelwagen* formulier* webwinkel pagina
        stron* сайт* страниц* الموقع موقع صفحة वेबसाइट
    """,
    "technical": """
        crash* bug bugs buggy glitch* error* freez* frozen froze broken loading load server servers connect* disconnect* update updates
        updated updating install* download* wifi internet network signal outage app apps lag lagg* stream* buffer* sync* screen device
        firmware bluetooth reboot* restart* bsod offline battery broadband router reception data software driver* connection
        abgestürzt abstürz* stürzt absturz fehler* störung* lädt geladen netz empfang verbind* aktualisier* neustart* akku bildschirm
        funktioniert hängt einfriert laden gerät ausfall wlan
        plante planté bogue* bug erreur* panne* réseau marche fonctionne charge connexion écran mise-à-jour appli application
        batterie téléchargement
        falla fallo fallos error errores cuelga caíd* cae internet red señal funciona actualiz* pantalla aplicación conexión carga
        batería descarg*
        falha* erro erros trava travou travando caiu sinal rede funciona atualiz* tela aplicativo conexão carrega bateria sinal
        errore errori blocca crasha rete segnale funziona aggiorn* schermo applicazione connessione carica batteria guasto
        storing* fout* foutmelding* vastgelopen loopt netwerk bereik werkt bijwerk* scherm verbinding laadt update crasht batterij
        błąd błęd* aplikacj* fel kraschar hata uygulama ошибк* приложени* вылета*
        تطبيق التطبيق خطأ الشبكة النت ऐप एरर नेटवर्क
    """,
    "product": """
        product products quality defect* faulty size colour color taste* stock feature features seat seats meal food flavour flavor
        menu recipe ingredients material fabric shoe shoes shirt burger fries coffee warranty model item items spare album song songs
        episode lyrics
        produkt* qualität* defekt* kaputt* größe farbe geschmack* verfügbar funktion funktionen sitz* essen garantie artikel ware
        ersatzteil*
        produit* qualité* défectueu* taille couleur goût disponible fonctionnalité* siège* repas garantie article cassé*
        producto* calidad defectuos* talla color sabor disponible función asiento* comida garantía artículo roto rota
        produto* qualidade defeito* defeituos* tamanho cor sabor disponível assento* refeição garantia artigo quebrad* estragad*
        prodott* qualità difettos* taglia colore gusto disponibil* sedil* pasto garanzia articolo rotto rotta
        product* kwaliteit* defect* maat kleur smaak* beschikbaar stoel* maaltijd garantie artikel kapot*
        produkcie jakość товар* качеств* ürün منتج جودة المنتج प्रोडक्ट क्वालिटी
    """,
    "urgent": """
        urgent urgently asap emergency immediately stranded stuck deadline tonight fraud* stolen theft hacked dangerous unsafe injured
        medication insulin hospital danger desperate critical now
        dringend* eilig sofort notfall* gestrandet betrug* gestohlen gefährlich frist umgehend
        urgence urgent* immédiatement bloqués fraude* volé volée danger*
        urgente* emergencia inmediatamente varad* fraude* robad* robaron peligro*
        emergência imediatamente fraude* roubad* perigo* já
        emergenza subito immediatamente truffa* rubat* pericol* bloccati
        dringend spoed* onmiddellijk noodgeval fraude gestolen gevaar* gestrand meteen
        pilne natychmiast срочно acil عاجل طارئ तुरंत जल्दी
    """,
    "legal": """
        lawyer* attorney sue suing legal court ombudsman lawsuit police regulator consumer
        anwalt* rechtsanwalt* klage klagen verbraucherzentrale polizei anzeige
        avocat* tribunal plainte juridique police
        abogad* demanda* denuncia* tribunal policía consumidor
        advogad* processo processar procon tribunal polícia
        avvocat* denuncia* tribunale polizia
        advocaat* rechter aangifte politie
    """,
    "ask": """
        help please pls plz how where when why what who which can could would need advise assist assistance support fix solve resolve
        question answer reply respond contact
        hilfe bitte wie wo wann warum wieso weshalb kann könnt könnte brauche frage antwort* helfen helft lösen
        aide aider aidez svp stp comment où quand pourquoi pouvez pourriez besoin question réponse répond*
        ayuda ayud* favor cómo como dónde donde cuándo cuando qué puede pueden podría* necesito pregunta respuesta respond* solución
        ajuda ajud* favor onde quando porque porquê pode podem poderia preciso pergunta resposta resolv* solução
        aiuto aiut* favore come dove quando perché perche potete può potrebbe bisogno domanda rispost* rispond* risolv*
        hulp help alsjeblieft alstublieft graag hoe waar wanneer waarom kunnen kan nodig vraag antwoord* reageer* oplossen
        pomoc proszę hjälp помогите помощь مساعدة ساعدوني لماذا متى كيف मदद कृपया क्यों कब कैसे
    """,
    "thanks": """
        thanks thank thankyou thx ty cheers danke dank dankeschön vielen merci gracias obrigado obrigada grazie bedankt dankjewel
        dziękuję tack takk kiitos teşekkür* спасибо شكرا धन्यवाद शुक्रिया ありがとう 谢谢
    """,
    "wait": """
        waiting waited wait hours hour days weeks still yet hold queue queued ignored nobody unanswered
        warte* gewartet stunden tage wochen warteschleife immer niemand keiner
        attend* attente heure heures jours semaines toujours personne
        esper* horas días semanas todavía nadie aún
        esper* horas dias semanas ainda ninguém
        aspett* attes* ore giorni settimane ancora nessuno
        wacht* gewacht uren uur dagen weken nog niemand wachtrij
        انتظار ساعات أيام घंटे इंतजार दिन
    """,
    "again": """
        again constantly keeps everytime always repeatedly schon wieder ständig encore toujours sempre siempre otra nuevamente
        novamente ancora continuamente steeds weer altijd opnieuw
    """,
    "promo": """
        giveaway win winner prize claim voucher free offer follow followers subscribe crypto bitcoin investment profit casino loan
        discount promo click watch rt retweet nft airdrop earn gewinnspiel gewinne gratis verlosung concours gagnez sorteo gana
        sorteio ganhe vinci concorso winactie whatsapp telegram forex trading
    """,
    "bad": """
        schlecht* furchtbar* schrecklich* katastroph* unverschämt* enttäusch* frech* nervt nerv* ärger* wütend sauer mies* scheiß*
        scheisse beschissen* peinlich* unfähig* frustrier* unmöglich* lächerlich* horror saftladen nie niemals hass* traurig* leider
        problem probleme beschwerde* unzufrieden* abzocke betrüger dumm blöd* langsam* unfreundlich* dreist* verarsch* wut angst
        schlimm* krank tot hässlich* chaos mist versagt verloren schlimmste
        mauvais* horrible* terrible* nul nulle nuls honte honteux inadmissible* inacceptable* déçu* décev* déception énerv* pire
        catastroph* arnaque* voleur* scandal* merde putain ridicule* marre incompétent* frustr* triste* malheureusement jamais
        problème* réclamation insupportable lent lente impoli* colère dégoût* haine peur malade mort moche con connard foutu perdu
        pourri
        malo mala malos malas mal pésim* horrible* terrible* vergüenza vergonzos* decepci* decepcionad* fatal peor estafa* ladron*
        asco asqueros* mierda puta joder ridícul* harto harta incompetent* frustr* triste* lamentable* nunca problema* queja* lento
        lenta enojad* enfadad* molest* inaceptable* odio miedo enferm* muert* feo horror robo indignante perdido coñazo maldit*
        ruim ruins péssim* horrível horríveis terrível vergonha vergonhos* decep* decepcionad* pior golpe ladr* nojo merda porra
        caralho ridícul* cansad* incompetent* frustr* triste* infelizmente nunca problema* reclam* lento lenta raiva chatead* absurd*
        descaso inaceitável ódio medo doente morte feio lixo droga saco chato
        pessim* orribil* terribil* vergogn* delus* deludent* peggio peggior* truff* ladri schifo schifos* merda cazzo ridicol* stufo
        incompeten* frustr* triste* purtroppo mai problem* reclamo lento lenta arrabbiat* inaccettabil* assurd* odio paura malat*
        morto brutto brutta male cattiv* disastr* scandal* penos*
        slecht* verschrikkelijk* vreselijk* schande* belachelijk* teleurgesteld teleurstell* waardeloos waardeloze boos irritant*
        irritatie kut klote schandalig* oplicht* incompetent frustr* jammer helaas nooit problem* klacht* traag onacceptabel* haat
        bang ziek dood lelijk stom ergste ramp treurig* zielig
        okropn* fatalny porażka dålig* usel elendig kötü berbat rezalet ужас* плох* отврат* обман* кошмар
        سيء سيئة سيئ أسوأ اسوء اسوأ للأسف مشكلة مشاكل فاشل فاشلة زفت حرام غش نصب نصابين كذب كذابين خايس زبالة حزين حزن الم كره اكره
        خوف موت مات ظلم فساد عيب تعبت زهقت قرف مقرف خسارة الحرب قتل حسبي
        खराब बुरा बुरी घटिया बेकार समस्या परेशान परेशानी धोखा झूठ झूठा शर्म गुस्सा दुख दुखी नफरत मौत हत्या भ्रष्ट चोर गलत डर बर्बाद गद्दार
        最悪 ひどい 残念
    """,
    "good": """
        gut gute guter gutes super toll* großartig* klasse perfekt* wunderbar* freundlich* zufrieden* liebe lieben begeistert* schnell
        hervorragend* prima spitze genial* schön* freu* top lecker* empfehl* einfach glücklich glück geil* cool hammer best* lob
        hilfsbereit* angenehm* witzig spaß gern gerne wow liebling* stolz herzlich*
        bon bonne bons bonnes super génial* excellent* parfait* merveill* adore aime satisfait* content* rapide top bravo magnifique*
        agréable* sympa* formidable* recommande incroyable* heureux heureuse meilleur* beau belle félicitations joli* cool chouette
        ravi* fier fière mdr impeccable
        bueno buena buenos buenas bien excelente* genial* perfect* maravillos* encant* amo feliz felices content* rápid* mejor gran
        increíble* recomiend* estupend* fantástic* amable* satisfech* lindo linda hermos* bonit* felicidades felicitaciones
        orgullos* éxito alegr* guap* jaja*
        bom boa bons boas ótim* excelente* perfeit* maravilhos* ador* amo feliz felizes content* rápid* melhor incrível recomend*
        fantástic* simpátic* satisfeit* lind* parabéns top sensacional orgulho sucesso alegr* amei show kkk* fofo fofa gostos*
        buono buona buoni ottim* eccellent* perfett* meraviglios* ador* amo felic* content* veloc* miglior* bello bella belli belle
        bellissim* bravo brava bravi fantastic* gentil* soddisfatt* grande grandi complimenti consiglio splendid* divertent*
        auguri stupend*
        goed goede super geweldig* top perfect* fantastisch* prachtig* blij tevreden snel* mooi* vriendelijk* beste leuk* lekker*
        toppie uitstekend* compliment* aanrader gaaf lief fijn* trots gelukkig gefeliciteerd
        świetn* dobr* bra fantastisk* underbar* harika mükemmel güzel отлично хорош* супер прекрасн* люблю
        ممتاز ممتازة رائع رائعة جميل جميلة حلو حلوة احسن أحسن افضل أفضل حب احب أحب سعيد فرح مبروك الحمد جيد ممتازين روعة احلى
        ياسلام خير نجاح تحية فخر مبدع
        अच्छा अच्छी अच्छे बढ़िया शानदार बेहतरीन सुंदर खुश खुशी प्यार प्यारा मस्त बधाई जीत सफल शुभ शुभकामनाएं नमन गर्व महान धन्य
        最高 すばらしい 好き
    """,
    "bad_mark": "😡 😠 🤬 😤 😒 🙄 😞 😔 😢 😭 😩 😫 😖 👎 💩 🤮 🤢 😑 😕 ☹ 🙁 😣 😥 😓 💔 😾 🤦 😱 😰 😿 :( :-( :'( :/ :-/ :[ =( </3 :|",
    "good_mark": (
        "😀 😃 😄 😁 😊 🙂 😍 🥰 😘 👍 👏 🙌 🎉 💯 ✨ ⭐ 🌟 💖 💕 💗 💙 💚 💛 💜 🧡 🖤 🤍 ♥ ❤ 😎 🤗 🥳 💪 👌 😋 ☺ 🤩 🌹 💓 😇 ✌ 🔥 😂 🤣 😆 😉 😜"
        " :) :-) :d :-d ;) ;-) =) <3 :p :] (:"
    ),
}

# After one of these the next words mean the opposite, until a comma or a stop.
NEGATORS: Final = frozenset(
    ["not", "no", "never", "none", "nothing", "nobody", "neither", "nor", "cannot", "cant", "can't", "won't", "wont", "don't", "dont", "doesn't", "doesnt", "didn't", "didnt", "isn't", "isnt", "aren't", "wasn't", "wasnt", "weren't", "haven't", "havent", "hasn't", "hasnt", "hadn't", "couldn't", "couldnt", "wouldn't", "wouldnt", "shouldn't", "without", "ain't", "aint", "unable", "nicht", "kein", "keine", "keinen", "keiner", "keinem", "nie", "niemals", "ohne", "nix", "nichts", "pas", "jamais", "aucun", "aucune", "sans", "rien", "ni", "nunca", "jamás", "ningún", "ninguna", "sin", "nada", "tampoco", "não", "nao", "nunca", "nenhum", "nenhuma", "sem", "nem", "non", "mai", "nessun", "nessuna", "senza", "niente", "nulla", "neanche", "niet", "geen", "nooit", "zonder", "niets", "не", "нет", "без", "nie", "bez", "inte", "ikke", "değil", "لا", "ما", "مش", "لم", "ليس", "لن", "غير", "नहीं", "मत", "न", "ना", "बिना"]
)

# A word of contrast ends what a negation covers, as punctuation does.
BREAKS: Final = frozenset(["but", "aber", "sondern", "mais", "pero", "sino", "mas", "ma", "però", "maar", "och", "но", "लेकिन", "لكن"])


def table() -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Whole words and beginnings of words, each with its concepts."""
    whole: dict[str, tuple[str, ...]] = {}
    begin: dict[str, tuple[str, ...]] = {}
    for concept, words in CONCEPTS.items():
        for word in words.split():
            target, key = (begin, word[:-1]) if word.endswith("*") and len(word) > 1 else (whole, word)
            if concept not in target.get(key, ()):
                target[key] = (*target.get(key, ()), concept)
    return whole, begin
