using System.Globalization;

namespace Kashif.Cli.Demo;

internal sealed partial class DemoRun
{
    private async Task AddPeopleAsync()
    {
        var people = Citizens.Concat(WithRoles).ToList();
        var known = (await api.ListAsync($"auth/users?query={Person.Prefix}", admin) ?? []).ToDictionary(user => TextOf(user, "email") ?? "");
        await ForEachAsync(people, async person =>
        {
            if (!known.TryGetValue(person.Email, out var account))
            {
                account = (await api.AddAsync("users", HttpMethod.Post, "auth/register", user: null, new { email = person.Email, password, full_name = person.Name, phone = PhoneOf(person) })).Body;
            }

            person.Id = IdOf(account);
            if (person.Role is { } role)
            {
                person.HasRole = known.ContainsKey(person.Email) && account.GetProperty("roles").EnumerateArray().Any(held => held.GetString() == role);
            }
        });

        foreach (var person in WithRoles.Where(person => !person.HasRole))
        {
            person.HasRole = await GiveRoleAsync(person, known.TryGetValue(person.Email, out var account) && account.GetProperty("email_verified").GetBoolean());
        }

        if (WithRoles.Any(person => !person.HasRole))
        {
            await Console.Error.WriteLineAsync("  skipped: roles need a verified address, and the mails of this system are not in a directory that --mail names. The admin does the work of the city's staff.");
        }
    }

    private async Task<bool> GiveRoleAsync(Person person, bool isVerified)
    {
        if (!isVerified)
        {
            // Without one mail there are no others either.
            if (WithRoles.TakeWhile(other => other != person).Any(other => !other.HasRole) || await mail.VerificationAsync(person.Email) is not { } token
                || !(await api.SendAsync(HttpMethod.Post, "auth/email/verify", user: null, new { token, password })).IsSuccess)
            {
                return false;
            }
        }

        var roles = new[] { "citizen", person.Role };
        var changed = await api.SendAsync(HttpMethod.Patch, $"auth/users/{person.Id}", admin, new { roles });
        DemoApi.Check(changed, "PATCH", "auth/users");
        person.Token = null; // of the time before
        return true;
    }

    private static string PhoneOf(Person person) =>
        $"+963 11 555 {(person.Email.Aggregate(17, (hash, character) => ((hash * 31) + character) % 9000) + 1000).ToString(CultureInfo.InvariantCulture)}";
}
