namespace Kashif.Cli.Demo;

/// <summary>The agencies, districts, companies and people of the demo's city, Damascus.</summary>
internal static class DemoCity
{
    public const double Latitude = 33.513;
    public const double Longitude = 36.292;

    /// <summary>The city and its surroundings, where the agencies are responsible.</summary>
    public static readonly (double West, double South, double East, double North) Bounds = (36.05, 33.30, 36.55, 33.72);

    /// <summary>The last number is the part of its reports that the agency resolves in time.</summary>
    public static readonly (string English, string Arabic, string Email, string Phone, double InTime)[] Agencies =
    [
        ("Roads and Traffic", "مديرية الطرق والمرور", "roads@demo.example", "+963 11 555 0101", 0.74),
        ("Water and Sewage", "مؤسسة المياه والصرف الصحي", "water@demo.example", "+963 11 555 0102", 0.84),
        ("Cleaning, Parks and Lighting", "مديرية النظافة والحدائق والإنارة", "cleaning@demo.example", "+963 11 555 0103", 0.79),
        ("District Inspection", "دائرة رقابة الأحياء", "inspection@demo.example", "+963 11 555 0104", 0.77),
    ];

    /// <summary>The agency that is responsible in the districts for all that no other agency is.</summary>
    public const int Inspection = 3;

    /// <summary>The districts, from the north-west. They tile the city: neighbours share corners of <see cref="Corners"/>.</summary>
    public static readonly (string English, string Arabic)[] Districts =
    [
        ("Dummar", "دمر"), ("Muhajirin", "المهاجرين"), ("Rukn al-Din", "ركن الدين"), ("Barzeh", "برزة"),
        ("Rabweh", "الربوة"), ("Salihiyah", "الصالحية"), ("Qassaa", "القصاع"), ("Jobar", "جوبر"),
        ("Mezzeh", "المزة"), ("Qanawat", "القنوات"), ("Old City", "المدينة القديمة"), ("Dwelaa", "الدويلعة"),
        ("Kafr Souseh", "كفر سوسة"), ("Qadam", "القدم"), ("Midan", "الميدان"), ("Shaghour", "الشاغور"),
    ];

    /// <summary>The corners of the districts, row by row from the north. All reports of the demo are inside.</summary>
    private static readonly (double East, double North)[][] Corners =
    [
        [(36.180, 33.600), (36.258, 33.612), (36.290, 33.616), (36.330, 33.612), (36.405, 33.598)],
        [(36.170, 33.538), (36.256, 33.534), (36.287, 33.541), (36.322, 33.538), (36.412, 33.545)],
        [(36.166, 33.510), (36.263, 33.514), (36.294, 33.517), (36.327, 33.515), (36.415, 33.518)],
        [(36.172, 33.478), (36.259, 33.489), (36.290, 33.494), (36.325, 33.492), (36.410, 33.486)],
        [(36.185, 33.425), (36.255, 33.415), (36.292, 33.411), (36.332, 33.416), (36.400, 33.428)],
    ];

    /// <summary>The boundary of a district as in GeoJSON: counterclockwise, and closed.</summary>
    public static double[][] BoundaryOf(int district)
    {
        var (row, column) = (district / 4, district % 4);
        return [.. new[] { Corners[row + 1][column], Corners[row + 1][column + 1], Corners[row][column + 1], Corners[row][column], Corners[row + 1][column] }
            .Select(corner => new[] { corner.East, corner.North })];
    }

    public static readonly string[] Crews = ["Road crew 1", "Water crew 1", "Night crew, lighting", "Inspectors"];

    public static readonly (string Name, string Plate)[] Vehicles = [("Asphalt lorry", "DM-4417"), ("Water van", "DM-2093"), ("Lift truck", "DM-8805"), ("Patrol car", "DM-1150")];

    public static readonly string[][] Skills = [["asphalt", "paving"], ["pipes", "pumps"], ["electricity", "gardening"], ["noise", "towing"]];

    /// <summary>The first one has a partner's account.</summary>
    public static readonly (string Name, string Description)[] Companies =
    [
        ("Café Yasmin", "Coffee and cake by the park"), ("Al Sham Bookshop", "Books and maps"), ("Barada Bakery", "Bread and pastry, fresh at six"), ("City Cinema", "Films on two screens"),
    ];

    public static readonly (string Name, string Description)[] CouponCategories = [("Eating and drinking", "Cafés and bakeries"), ("Culture", "Books and films"), ("From the city", "Products of the city")];

    public static readonly (string Title, string Description, int Company, int Category, int Cost, int Stock)[] Coupons =
    [
        ("A free coffee", "One cup, any size", 0, 0, 10, 200), ("Cake of the day", "One piece", 0, 0, 25, 80), ("A bag of bread", "One kilogram", 2, 0, 15, 300),
        ("A box of pastry", "Half a kilogram", 2, 0, 60, 40), ("Map of the old city", "A folded map", 1, 1, 20, 100), ("Tenth off any book", "Once, not for school books", 1, 1, 30, 100),
        ("A ticket on Tuesday", "For any film", 3, 1, 65, 50),
    ];

    public static readonly (string Sku, string Name, string Description, int Cost, int Stock)[] Products =
    [
        ("DEMO-MUG", "A mug of the city", "Porcelain, with the jasmine", 60, 40), ("DEMO-BAG", "A cloth bag", "Cotton, holds 8 kg", 40, 120), ("DEMO-LAMP", "A bicycle lamp", "White, with a battery", 65, 25),
        ("DEMO-SEEDS", "A bag of flower seeds", "For balconies and windows", 10, 200),
    ];

    private static readonly string[] FirstNames =
    [
        "Amal", "سامر", "Rania", "Omar", "ليلى", "Yusuf", "Dima", "خالد", "Hala", "Karim", "نور", "Sami", "Maya", "عمر", "Lina", "Tarek", "رنا", "Fadi", "Salma", "باسل",
    ];

    private static readonly string[] LatinNames =
    [
        "amal", "samer", "rania", "omar", "layla", "yusuf", "dima", "khaled", "hala", "karim", "nour", "sami", "maya", "umar", "lina", "tarek", "rana", "fadi", "salma", "basel",
    ];

    private static readonly (string Latin, string Arabic)[] FamilyNames =
    [
        ("Haddad", "حداد"), ("Khoury", "خوري"), ("Sabbagh", "صباغ"), ("Najjar", "نجار"), ("Qabbani", "قباني"), ("Halabi", "حلبي"), ("Masri", "مصري"),
    ];

    /// <summary>The same index is the same person for every size. 140 have different names.</summary>
    public static Person Citizen(int index)
    {
        var first = index % FirstNames.Length;
        var family = FamilyNames[index % FamilyNames.Length];
        var isArabic = FirstNames[first][0] > 'z';
        return new Person(
            $"{Person.Prefix}{LatinNames[first]}.{family.Latin.ToLowerInvariant()}{Person.Domain}", $"{FirstNames[first]} {(isArabic ? family.Arabic : family.Latin)}", isArabic, Role: null);
    }

    /// <summary>Two for each agency: its manager and a field worker. They, the moderator and the partner have roles.</summary>
    public static IReadOnlyList<Person> WithRoles { get; } =
    [
        Official("manager.roads", "Nabil Aswad"), Official("field.roads", "Jamil Darwish"), Official("manager.water", "Huda Kabbara"),
        Official("field.water", "Ziad Murad"), Official("manager.cleaning", "Wafa Sharif"), Official("field.cleaning", "Elias Tomeh"),
        Official("manager.inspection", "Rula Hamwi"), Official("field.inspection", "Adnan Shami"),
        Official("moderator", "Suha Barakat", "moderator"), Official("partner", "Yasmin Attar", "partner"),
    ];

    private static Person Official(string name, string fullName, string role = "staff") => new($"{Person.Prefix}{name}{Person.Domain}", fullName, IsArabic: false, role);
}

/// <summary>An account of the demo.</summary>
/// <param name="Role">Besides citizen; null for none.</param>
internal sealed record Person(string Email, string Name, bool IsArabic, string? Role)
{
    /// <summary>Of all addresses of the demo, by which a second run finds the accounts.</summary>
    public const string Prefix = "demo.";

    /// <summary>Reserved for examples (RFC 2606): no mail reaches a stranger.</summary>
    public const string Domain = "@demo.example";

    public Guid Id { get; set; }

    /// <summary>Whether the account has its role: without a verified address it cannot.</summary>
    public bool HasRole { get; set; }

    public string? Token { get; set; }

    /// <summary>Null for the demo's password.</summary>
    public string? Password { get; init; }

    /// <summary>One sign-in at a time.</summary>
    public SemaphoreSlim SigningIn { get; } = new(1);

    /// <summary>The name on leaderboards: the first name and an initial.</summary>
    public string DisplayName => Name.Split(' ') is [var first, var family] ? $"{first} {family[0]}." : Name;
}
