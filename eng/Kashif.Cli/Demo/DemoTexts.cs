namespace Kashif.Cli.Demo;

/// <summary>What people of the demo's city write, in English and Arabic. A report's texts are in one language.</summary>
/// <param name="Agency">The index in <see cref="DemoCity.Agencies"/>.</param>
/// <param name="Weight">How often it is reported.</param>
/// <param name="Days">The service level of the category.</param>
internal sealed record Topic(string Category, double Weight, int Agency, int Days, string[] Titles, string[] Details, string[] ArabicTitles, string[] ArabicDetails);

internal static class DemoTexts
{
    public static readonly Topic[] Topics =
    [
        new("pothole", 0.19, 0, 14,
            ["Deep pothole", "Pothole after the rain", "Hole in the right lane", "Potholes in a row", "Pothole before the crossing"],
            ["Cars swerve into the other lane.", "About 20 cm deep, and full of water.", "A motorcyclist fell here yesterday.", "It was filled in spring and has opened again."],
            ["حفرة عميقة في الطريق", "حفرة بعد المطر", "حفر متتالية في الشارع", "حفرة قبل ممر المشاة"],
            ["السيارات تنحرف إلى المسار الآخر.", "عمقها نحو 20 سم ومليئة بالماء.", "سقط سائق دراجة هنا أمس.", "رُدمت في الربيع وعادت من جديد."]),
        new("road_damage", 0.06, 0, 30,
            ["Road surface has sunk", "Cracks across the road", "Loose manhole cover", "Trench was not closed"],
            ["After the cable work the asphalt was not restored.", "The cover rattles all night.", "The buses slow down to walking pace."],
            ["هبوط في سطح الطريق", "تشققات في الإسفلت", "غطاء مطر غير ثابت"],
            ["لم يُعد تعبيد الطريق بعد أعمال الكابلات.", "الغطاء يصدر صوتًا طوال الليل."]),
        new("sidewalk", 0.08, 0, 30,
            ["Broken paving", "Sidewalk blocked by rubble", "Missing kerb stones", "No way through with a wheelchair"],
            ["People walk on the road instead.", "Several slabs are loose.", "The school is around the corner."],
            ["رصيف مكسور", "أنقاض على الرصيف", "لا يمكن المرور بالكرسي المتحرك"],
            ["يمشي الناس في الشارع.", "بلاطات كثيرة غير ثابتة.", "المدرسة عند الزاوية."]),
        new("road_sign", 0.03, 0, 14,
            ["Stop sign is missing", "Sign covered by branches", "Bent no-entry sign"],
            ["Drivers from elsewhere do not know the crossing.", "It was hit by a lorry."],
            ["لوحة قف مفقودة", "لوحة مرورية تغطيها الأغصان"],
            ["السائقون لا ينتبهون للتقاطع.", "صدمتها شاحنة."]),
        new("traffic_signal", 0.05, 0, 2,
            ["Traffic light is stuck on red", "Pedestrian light is dark", "Lights blink all day"],
            ["The police directed the traffic this morning.", "Children cross here to school."],
            ["إشارة المرور متوقفة", "إشارة المشاة لا تعمل"],
            ["نظّم الشرطي السير صباحًا.", "يعبر الأطفال من هنا إلى المدرسة."]),
        new("street_light", 0.14, 2, 7,
            ["Street light is out", "Dark street", "Lamp flickers", "Three lamps in a row are dark", "Lamp burns by day"],
            ["It has been dark for a week.", "Women do not like to walk here at night.", "The pole was repaired in winter.", "The whole side of the street is dark."],
            ["إنارة الشارع معطلة", "شارع مظلم", "مصباح يومض", "ثلاثة مصابيح مطفأة"],
            ["الشارع مظلم منذ أسبوع.", "المشي ليلًا هنا غير مريح.", "جهة الشارع كلها مظلمة."]),
        new("garbage", 0.17, 2, 3,
            ["Overflowing bins", "Waste on the corner", "Bins not emptied for days", "Building rubble dumped", "Old sofa on the street"],
            ["It smells, and cats tear the bags.", "The lorry has not come since Thursday.", "The bags are left here at night.", "It blocks half of the road."],
            ["حاويات ممتلئة", "نفايات متراكمة", "لم تُفرغ الحاويات منذ أيام", "أنقاض بناء مرمية"],
            ["الرائحة كريهة والقطط تمزق الأكياس.", "لم تأت الشاحنة منذ الخميس.", "تسد نصف الطريق."]),
        new("graffiti", 0.03, 2, 30,
            ["Graffiti on the wall", "Posters glued on the school", "Paint on the monument"],
            ["On the side to the park.", "It appeared over the weekend."],
            ["كتابة على الجدران", "ملصقات على جدار المدرسة"],
            ["من جهة الحديقة.", "ظهرت خلال العطلة."]),
        new("park", 0.05, 2, 30,
            ["Fallen branch on the path", "Swing is broken", "Dry trees need water", "Bench without seat"],
            ["Children play right beside it.", "The storm broke it on Sunday.", "Nothing was watered this month."],
            ["غصن ساقط على الممر", "أرجوحة مكسورة", "أشجار عطشى"],
            ["يلعب الأطفال بجانبه.", "كسرته العاصفة يوم الأحد."]),
        new("water_leak", 0.09, 1, 2,
            ["Water runs down the street", "Leaking pipe", "Hydrant drips", "Fountain pipe has burst"],
            ["Since this morning, and it is getting more.", "Clean water, from under the pavement.", "The cellar next door is wet."],
            ["تسرب مياه في الشارع", "أنبوب مكسور", "مياه تسيل من تحت الرصيف"],
            ["منذ الصباح والكمية تزداد.", "مياه نظيفة تضيع.", "القبو المجاور رطب."]),
        new("sewage", 0.06, 1, 3,
            ["Blocked drain", "Sewage on the street", "Drain cover is missing"],
            ["After each rain the crossing is under water.", "The smell reaches the third floor.", "Dangerous in the dark."],
            ["انسداد الصرف الصحي", "مياه صرف في الشارع", "غطاء الصرف مفقود"],
            ["بعد كل مطر يغرق التقاطع.", "الرائحة تصل إلى الطابق الثالث."]),
        new("noise", 0.03, DemoCity.Inspection, 7,
            ["Noise at night", "Generator runs all night", "Building work before six"],
            ["From eleven until three.", "Every night this week."],
            ["ضوضاء ليلية", "مولدة تعمل طوال الليل"],
            ["من الحادية عشرة حتى الثالثة.", "كل ليلة هذا الأسبوع."]),
        new("abandoned_vehicle", 0.02, DemoCity.Inspection, 30,
            ["Car without plates", "Burnt-out van"],
            ["It has been here for months.", "The tyres are flat, and children play in it."],
            ["مركبة مهجورة", "سيارة بلا لوحات"],
            ["موجودة هنا منذ شهور.", "إطاراتها فارغة ويلعب فيها الأطفال."]),
    ];

    public static readonly (string English, string Arabic)[] Streets =
    [
        ("Baghdad Street", "شارع بغداد"), ("Port Said Street", "شارع بور سعيد"), ("Al Thawra Street", "شارع الثورة"), ("Straight Street", "الشارع المستقيم"),
        ("29 May Street", "شارع 29 أيار"), ("Al Hamra Street", "شارع الحمرا"), ("Al Jalaa Street", "شارع الجلاء"), ("Al Midan Street", "شارع الميدان"),
        ("Mezzeh Motorway", "أوتوستراد المزة"), ("Al Qassaa Street", "شارع القصاع"), ("Ibn Asaker Street", "شارع ابن عساكر"), ("Khaled Ibn Al Walid Street", "شارع خالد بن الوليد"),
    ];

    public static readonly (string English, string Arabic)[] Landmarks =
    [
        ("near the bakery", "قرب الفرن"), ("in front of the school", "أمام المدرسة"), ("beside the pharmacy", "بجانب الصيدلية"), ("at the bus stop", "عند موقف الباص"),
        ("behind the mosque", "خلف الجامع"), ("across from the park", "مقابل الحديقة"), ("at the corner", "عند الزاوية"), ("next to the clinic", "بجانب المستوصف"),
    ];

    public static readonly Dictionary<string, (string English, string Arabic)[]> StatusComments = new()
    {
        ["verified"] = [("We have seen it.", "عايناها."), ("Confirmed on site, planned.", "تم التأكد في الموقع وأُدرج في الخطة."), ("Passed on to the crew.", "حُوّل إلى الورشة.")],
        ["in_progress"] = [("The crew is on it.", "الورشة تعمل عليه."), ("Material is ordered.", "طُلبت المواد."), ("Work has begun.", "بدأ العمل.")],
        ["resolved"] = [("Done.", "تم الإصلاح."), ("Repaired this morning. Thank you for the report.", "أُصلح هذا الصباح. شكرًا على البلاغ."), ("Finished, the street is open again.", "انتهى العمل وفُتح الشارع.")],
        ["rejected"] = [("Private ground: please ask the owner.", "أرض خاصة: نرجو مراجعة المالك."), ("We found nothing at this place.", "لم نجد شيئًا في هذا الموقع."), ("Part of the works that end next month.", "ضمن أعمال تنتهي الشهر القادم.")],
        ["duplicate"] = [("Known already.", "بلاغ معروف سابقًا.")],
        ["withdrawn"] = [("It was gone when I came back.", "اختفت المشكلة عند عودتي.")],
        ["reopened"] = [("It is open again after two days.", "عادت المشكلة بعد يومين."), ("Only half of it is repaired.", "أُصلح نصفها فقط.")],
    };

    public static readonly (string English, string Arabic)[] Comments =
    [
        ("It is worse since the rain.", "صار أسوأ بعد المطر."), ("I pass here every day, please hurry.", "أمر من هنا كل يوم، نرجو الإسراع."), ("Same in the next street.", "الشارع التالي مثله."),
        ("My neighbour called about it too.", "جاري اتصل بخصوصه أيضًا."), ("Thank you for looking into it.", "شكرًا على المتابعة."), ("Still there this morning.", "ما زال موجودًا هذا الصباح."),
        ("Careful at night, one does not see it.", "انتبهوا ليلًا، لا يُرى."), ("A crew was here and measured.", "جاءت ورشة وأخذت القياسات."),
    ];

    public static readonly (string English, string Arabic)[] StaffComments =
    [
        ("A crew will come this week.", "ستأتي الورشة هذا الأسبوع."), ("We wait for a part.", "ننتظر قطعة غيار."), ("Please keep a distance until we have closed it off.", "نرجو الابتعاد حتى نغلق المكان."),
    ];

    /// <summary>Comments on a report that is resolved.</summary>
    public static readonly (string English, string Arabic)[] Thanks =
    [
        ("Done well, thank you.", "عمل جيد، شكرًا."), ("It took a while, but it looks good.", "تأخر قليلًا لكن النتيجة جيدة."), ("The children can pass again.", "صار بإمكان الأطفال المرور."),
        ("Please look at the other side, too.", "نرجو النظر إلى الجهة الأخرى أيضًا."),
    ];

    /// <summary>Answers to a survey, of a report that is fixed.</summary>
    public static readonly (string English, string Arabic)[] Praise =
    [
        ("Quick and friendly.", "سريعون ولطفاء."), ("The crew even swept the pavement.", "حتى أن الورشة كنست الرصيف."), ("A message before the visit would help.", "رسالة قبل الزيارة تفيد."),
    ];

    /// <summary>Answers to a survey, of a report that is not.</summary>
    public static readonly (string English, string Arabic)[] Complaints =
    [
        ("It was open again after the first rain.", "عادت المشكلة بعد أول مطر."), ("Only one of the two was repaired.", "أُصلح واحد من اثنين فقط."), ("The rubble is still there.", "الأنقاض ما زالت هناك."),
    ];

    /// <summary>Internal notes of each agency: the manager's for the field worker, and the answer.</summary>
    public static readonly string[][] Notes =
    [
        ["Please measure it before the crew comes.", "Close the lane first; the police know.", "Two by three metres, and 15 cm deep: half a ton of asphalt."],
        ["The main valve is behind the pharmacy.", "Look at the map of 1974: the pipe is not in the new one.", "The joint has rusted through. We need a sleeve, 150 mm."],
        ["Take the lift truck, the pole has no steps.", "The owner of the shop has the key of the yard.", "The cable is cut at the base. It is the third time on this street."],
        ["Talk to the neighbours before you go in.", "The car has no plates: note the number of the chassis.", "I was there at eleven at night. It is the generator of the bakery."],
    ];
}
